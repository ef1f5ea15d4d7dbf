/**
 * Column bounds. A bound that is missing only costs a reader some time; one that is wrong makes it skip rows
 * silently. So wherever the engine's text is not certain, the bound is left out.
 */
import type { LeafStats } from '../../model/table.ts';
import { fromBytes, parseText, printText, toBytes } from './value.ts';

/** Code points of a string, or bytes of a binary, that a bound keeps (Iceberg's default metrics mode). */
export const BOUND_LENGTH = 16;

/** The lower bound as bytes; undefined where there is none that surely holds. */
export function lowerBound(type: string, text: string | undefined): Buffer | undefined {
  const value = text === undefined ? undefined : parseText(type, text);
  if (value === undefined) return undefined;
  if (typeof value === 'string') return toBytes(type, [...value].slice(0, BOUND_LENGTH).join(''));
  if (value instanceof Uint8Array) return Buffer.from(value.subarray(0, BOUND_LENGTH));
  // The engine prints 0.0 where -0.0 was the least value.
  return toBytes(type, value === 0 && (type === 'double' || type === 'float') ? -0 : value);
}

/** The upper bound as bytes; a cut value is incremented, and left out where it cannot be. */
export function upperBound(type: string, text: string | undefined): Buffer | undefined {
  const value = text === undefined ? undefined : parseText(type, text);
  if (value === undefined) return undefined;
  if (typeof value === 'string') {
    const above = truncateUp(value);
    return above === undefined ? undefined : toBytes(type, above);
  }
  if (value instanceof Uint8Array) return truncateBytesUp(value);
  return toBytes(type, value === 0 && (type === 'double' || type === 'float') ? 0 : value);
}

/** Statistics as the model has them, from a manifest's maps. */
export function leafStats(
  type: string,
  counts: { readonly values: number; readonly nulls: number; readonly size: number },
  lower: Uint8Array | undefined,
  upper: Uint8Array | undefined,
): LeafStats {
  const min = lower === undefined ? undefined : fromBytes(type, lower);
  const max = upper === undefined ? undefined : fromBytes(type, upper);
  return {
    valueCount: counts.values,
    nullCount: counts.nulls,
    sizeBytes: counts.size,
    ...(min === undefined ? {} : { min: printText(type, min) }),
    ...(max === undefined ? {} : { max: printText(type, max) }),
  };
}

/** The least string of at most BOUND_LENGTH code points that is not below any string with this beginning. */
function truncateUp(text: string): string | undefined {
  const points = [...text];
  if (points.length <= BOUND_LENGTH) return text;
  for (let at = BOUND_LENGTH - 1; at >= 0; at -= 1) {
    const next = nextCodePoint(points[at]?.codePointAt(0) ?? 0x10ffff);
    if (next !== undefined) return points.slice(0, at).join('') + String.fromCodePoint(next);
  }
  return undefined;
}

function nextCodePoint(point: number): number | undefined {
  if (point === 0x10ffff) return undefined;
  // Surrogates are not characters: the next after U+D7FF is U+E000.
  return point === 0xd7ff ? 0xe000 : point + 1;
}

function truncateBytesUp(bytes: Uint8Array): Buffer | undefined {
  if (bytes.length <= BOUND_LENGTH) return Buffer.from(bytes);
  for (let at = BOUND_LENGTH - 1; at >= 0; at -= 1) {
    const byte = bytes[at] ?? 0xff;
    if (byte < 0xff) return Buffer.concat([bytes.subarray(0, at), Buffer.from([byte + 1])]);
  }
  return undefined;
}
