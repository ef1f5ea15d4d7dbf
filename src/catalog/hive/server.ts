/** What a Metastore tells of itself. */
import { METHODS } from './api.ts';
import type { HiveClient } from './client.ts';

const LIFE_MS = 300_000;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Whether it compares the expected parameter by itself when it changes a table (HIVE-26882). 4.0 does; of others it
 * cannot be told, since makers of distributions have taken it over into older ones.
 */
export async function comparesItself(client: HiveClient): Promise<boolean> {
  const version = await client.ask(METHODS.version, {}).catch(() => '');
  return Number(/^\d+/.exec(version)?.[0] ?? 0) >= 4;
}

/** How long a lock lives that is not heard of; undefined where that cannot be told. */
export async function lockLifeMs(client: HiveClient): Promise<number | undefined> {
  const asked = { name: 'hive.txn.timeout', otherwise: `${LIFE_MS}ms` };
  const text = await client.ask(METHODS.setting, asked).catch(() => '');
  const [, number, unit = 's'] = /^(\d+)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const unitMs = UNITS[unit.toLowerCase() || 's'];
  return number === undefined || unitMs === undefined ? undefined : Number(number) * unitMs;
}
