// A process that commits to one table of a catalog: writer.ts <settings as JSON> <namespace> <table> <name> <count>
import { defaultOptions } from '../../src/index.ts';
import type { CatalogSettings } from '../../src/model/catalog.ts';
import { openCatalog } from '../../src/pipeline/ends/catalogs.ts';
import { icebergTable } from '../../src/table/iceberg/open.ts';
import { fileOf, stagedOf } from '../table/iceberg/sample.ts';

const [settings = '', namespace = '', table = '', name = '', count = '0'] = process.argv.slice(2);
const options = { ...defaultOptions(), catalogs: { lab: JSON.parse(settings) as CatalogSettings } };
const catalog = await openCatalog('lab', { ...options, targetAws: { region: 'us-east-1' } }, (storage) => storage);
const there = await catalog.open({ namespace: [namespace], table }, { purpose: 'write' });
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
await there.storage.close();
await catalog.close();
console.log(JSON.stringify(outcomes));
