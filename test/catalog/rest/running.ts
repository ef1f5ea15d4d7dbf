import { JAVA, JAVA_21, NESSIE_JAR, REST_JARS, VERSITYGW } from '../../servers/available.ts';
import { makeBucket, useCredentials } from '../../servers/buckets.ts';
import { startNessie } from '../../servers/nessie.ts';
import { startRestCatalog } from '../../servers/rest-catalog.ts';
import { startVersitygw } from '../../servers/versitygw.ts';

/** A real catalog that runs, with a store for its tables. */
export interface Running {
  readonly uri: string;
  /** Of its paths. */
  readonly prefix: string;
  /** A folder, or bucket, for tables that no catalog knows yet. */
  readonly place: string;
  /** Of the store, where it is not this machine's disk. */
  readonly endpoint?: string;
  /** What PyIceberg needs beside the address. */
  readonly properties: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

/** Which real catalogs there are, and what each needs. */
export const REAL = {
  reference: { title: 'the reference REST catalog', needs: [JAVA, REST_JARS], start: reference, currentOnly: false },
  nessie: { title: 'Nessie', needs: [JAVA_21, NESSIE_JAR, VERSITYGW], start: nessie, currentOnly: true },
} as const;

async function reference(): Promise<Running> {
  const { uri, warehouse, stop } = await startRestCatalog();
  return { uri, prefix: 'v1', place: warehouse, properties: {}, stop };
}

/** Its tables lie on S3. */
async function nessie(): Promise<Running> {
  const s3 = await startVersitygw();
  const restore = useCredentials(s3);
  await makeBucket(s3, 'lake');
  const server = await startNessie(s3, 'lake');
  const stop = async (): Promise<void> => {
    await server.stop();
    await s3.stop();
    restore();
  };
  const properties = { 's3.access-key-id': s3.accessKey, 's3.secret-access-key': s3.secretKey };
  return { uri: server.uri, prefix: 'v1/main', place: 's3://lake', endpoint: s3.endpoint, properties, stop };
}
