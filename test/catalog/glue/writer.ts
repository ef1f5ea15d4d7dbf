// A process that commits to one table of a Glue catalog: writer.ts <endpoint> <folder> <database> <table> <name> <count>
import { glueCatalog } from '../../../src/catalog/glue/catalog.ts';
import { localStorage } from '../../../src/storage/local/local.ts';
import { icebergTable } from '../../../src/table/iceberg/open.ts';
import { fileOf, stagedOf } from '../../table/iceberg/sample.ts';

const [endpoint = '', folder = '', database = '', table = '', name = '', count = '0'] = process.argv.slice(2);
const settings = { type: 'glue', aws: { endpoint, region: 'us-east-1' }, warehouse: folder } as const;
const catalog = glueCatalog('lake', settings, async () => localStorage('/'));
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
