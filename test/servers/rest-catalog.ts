import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JAVA, REST_JARS } from './available.ts';
import { freePort, startServer } from './child.ts';

export interface CatalogServer {
  /** Without `/v1`. */
  readonly uri: string;
  stop(): Promise<void>;
}

/**
 * Iceberg's reference REST catalog, with its tables in an empty folder of its own, or below an S3 URI, `place`: the
 * metadata that it writes itself lies in the folder all the same.
 */
export async function startRestCatalog(place?: string): Promise<CatalogServer & { readonly warehouse: string }> {
  const warehouse = await mkdtemp(join(tmpdir(), 'tailrace-rest-'));
  const port = await freePort();
  const uri = `http://127.0.0.1:${port}`;
  const program = join(import.meta.dirname, '..', 'toolchain', 'RestCatalog.java');
  const at = place === undefined ? [`file://${warehouse}`] : [place, warehouse];
  const options = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  const stop = await startServer({
    command: JAVA,
    args: [...options, '-cp', join(REST_JARS, '*'), program, String(port), ...at],
    ready: async () => (await fetch(`${uri}/v1/config`)).ok,
  }).catch(async (error: unknown) => {
    await rm(warehouse, { recursive: true, force: true });
    throw error;
  });
  return {
    uri,
    warehouse,
    stop: async () => {
      await stop();
      await rm(warehouse, { recursive: true, force: true });
    },
  };
}
