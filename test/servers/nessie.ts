import { JAVA_21, NESSIE_JAR } from './available.ts';
import { freePort, startServer } from './child.ts';
import type { CatalogServer } from './rest-catalog.ts';
import type { S3Server } from './versitygw.ts';

/** Nessie with everything in memory; its tables lie in a bucket that is there. */
export async function startNessie(s3: S3Server, bucket: string): Promise<CatalogServer> {
  const [port, management] = [await freePort(), await freePort()];
  const uri = `http://127.0.0.1:${port}/iceberg`;
  const settings = {
    'quarkus.http.host': '127.0.0.1',
    'quarkus.http.port': port,
    'quarkus.management.host': '127.0.0.1',
    'quarkus.management.port': management,
    'nessie.version.store.type': 'IN_MEMORY',
    'nessie.catalog.default-warehouse': 'warehouse',
    'nessie.catalog.warehouses.warehouse.location': `s3://${bucket}/`,
    'nessie.catalog.service.s3.default-options.endpoint': `${s3.endpoint}/`,
    'nessie.catalog.service.s3.default-options.path-style-access': true,
    'nessie.catalog.service.s3.default-options.region': 'us-east-1',
    'nessie.catalog.service.s3.default-options.access-key': 'urn:nessie-secret:quarkus:own.s3',
    'own.s3.name': s3.accessKey,
    'own.s3.secret': s3.secretKey,
  };
  const stop = await startServer({
    command: JAVA_21,
    args: [
      ...['-Xmx350m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
      ...Object.entries(settings).map(([name, value]) => `-D${name}=${value}`),
      ...['-jar', NESSIE_JAR],
    ],
    ready: async () => (await fetch(`${uri}/v1/config`)).ok,
  });
  return { uri, stop };
}
