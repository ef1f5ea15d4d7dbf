// Contender (c) in Node: node by-hand.mjs <export folder> <target.parquet>
// Plain JavaScript, so that no compiler's start-up is measured.
import { readFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';

const [folder, target] = process.argv.slice(2);
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
const sql = readFileSync(new URL('by-hand.sql', import.meta.url), 'utf8')
  .replace('{{files}}', () => quoted(`${folder}/data/*.json.gz`))
  .replace('{{target}}', () => quoted(target));
const connection = await (await DuckDBInstance.create()).connect();
await connection.run(sql);
connection.closeSync();
