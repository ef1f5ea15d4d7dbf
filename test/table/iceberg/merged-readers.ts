import { type ChildProcess, spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { SPARK_S3 } from '../../servers/available.ts';
import type { S3Server } from '../../servers/versitygw.ts';
import { python, sparkJar } from '../../toolchain/tools.ts';

/** The process that holds Spark, PyIceberg and DuckDB open beside a test: see merged.py. */
export class Readers {
  readonly #process: ChildProcess;
  readonly #replies: AsyncIterator<string>;

  /**
   * `metastore`: address of a Hive Metastore, which Spark then knows as the catalog `hive`. `s3`: where Spark reads s3://,
   * by Hadoop's own client.
   */
  constructor(root: string, warehouse: string, metastore?: string, s3?: S3Server) {
    this.#process = spawn(python ?? '', [join(import.meta.dirname, 'merged.py')], {
      cwd: root,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    if (this.#process.stdout === null) throw new Error('no stdout');
    this.#replies = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
    const folders = [dirname(sparkJar ?? ''), ...(s3 === undefined ? [] : [SPARK_S3])];
    const jars = folders.map((folder) => join(folder, '*')).join(delimiter);
    const hadoop = s3 && hadoopSettings(s3);
    this.#send({ jars, warehouse, ...(metastore !== undefined && { metastore }), ...(hadoop && { hadoop }) });
  }

  async ask<T>(request: Readonly<Record<string, unknown>>): Promise<T> {
    this.#send(request);
    for (;;) {
      const { value, done } = await this.#replies.next();
      if (done === true) throw new Error('the readers have ended');
      if (!value.startsWith('@@')) continue;
      const { reply, error } = JSON.parse(value.slice(2)) as { reply: T; error?: string };
      if (error !== undefined) throw new Error(`${JSON.stringify(request)}: ${error}`);
      return reply;
    }
  }

  end(): void {
    this.#process.stdin?.end();
    this.#process.kill();
  }

  #send(line: unknown): void {
    this.#process.stdin?.write(`${JSON.stringify(line)}\n`);
  }
}

function hadoopSettings({ endpoint, accessKey, secretKey }: S3Server): Readonly<Record<string, string>> {
  const client = 'org.apache.hadoop.fs.s3a';
  return {
    'fs.s3.impl': `${client}.S3AFileSystem`,
    'fs.s3a.aws.credentials.provider': `${client}.SimpleAWSCredentialsProvider`,
    'fs.s3a.endpoint': endpoint,
    'fs.s3a.endpoint.region': 'us-east-1',
    'fs.s3a.path.style.access': 'true',
    'fs.s3a.access.key': accessKey,
    'fs.s3a.secret.key': secretKey,
  };
}
