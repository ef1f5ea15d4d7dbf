// The same from JavaScript: load an export, then query the table. Usage: node run.mjs [folder]
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultOptions, query, sync } from 'tailrace';

const work = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'tailrace-'));
execFileSync(process.execPath, [join(import.meta.dirname, '..', 'make-export.mjs'), join(work, 'export')]);

const defaults = defaultOptions();
const options = { ...defaults, schema: { ...defaults.schema, key: ['order_id'] } };
const context = { signal: new AbortController().signal, onProgress: () => {}, log: () => {} };

// sync never throws: what went wrong is in its report.
const report = await sync(join(work, 'export'), join(work, 'lake', 'orders'), options, context);
if (report.error) throw new Error(`${report.error.code}: ${report.error.message}`);
console.log(`${report.outcome}: ${report.counts.written} orders, ${report.counts.rescued} of them with a rescue`);

const result = await query(
  join(work, 'lake', 'orders'),
  'select region, sum(total) as total from t group by region order by region',
  options,
  context,
);
for await (const [region, total] of result.rows) console.log(`${region}: ${total}`);
await result.close();
