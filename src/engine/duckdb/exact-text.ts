import { createRequire } from 'node:module';

/**
 * The engine's library decodes text with a decoder that drops a leading U+FEFF: a value would lose a character, and a
 * bound of a file's statistics would become too low, so that readers pass over matching rows. This puts an exact
 * decoder in its place; the test of this file fails when the library changes under it.
 */
export function decodeExactly(): void {
  // Required, not imported: how a module of this kind is imported differs between Node and the loaders of tests.
  const load = createRequire(import.meta.url);
  const accessors = load('@duckdb/node-api/lib/vectors/dataAccessors.js') as {
    readonly textDecoder: { decode: (bytes: Uint8Array) => string };
  };
  const exact = new TextDecoder('utf-8', { ignoreBOM: true });
  accessors.textDecoder.decode = (bytes) => exact.decode(bytes);
}
