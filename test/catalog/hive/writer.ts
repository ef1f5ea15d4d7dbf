// A process that commits to one table of a Metastore: writer.ts <uri> <database> <table> <name> <count>
import { hiveCatalog } from '../../../src/catalog/hive/catalog.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { icebergTable } from '../../../src/table/iceberg/open.ts';
import { fileOf, stagedOf } from '../../table/iceberg/sample.ts';

const [uri = '', database = '', table = '', name = '', count = '0'] = process.argv.slice(2);
const catalog = hiveCatalog('lake', { type: 'hive', uri }, async () => localStorage('/'));
const there = await catalog.open({ namespace: [database], table }, { purpose: 'write' });
if (there === undefined) throw new Error('no table');
const handle = icebergTable(there);
const outcomes: Record<string, number> = {};
for (let n = 0; n < Number(count); n += 1) {
  const id = `${name}-${n}`;
  const files = [fileOf(there.storage.uri(`${there.folder}/data/${id}.parquet`))];
  for (let kind = ''; kind !== 'committed'; ) {
    const staged = stagedOf(id, { operation: 'merge', files, timestampMs: Date.now() });
    kind = (await handle.commit(staged, await handle.load())).kind;
    outcomes[kind] = (outcomes[kind] ?? 0) + 1;
  }
}
await catalog.close();
console.log(JSON.stringify(outcomes));
