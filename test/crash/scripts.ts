import type { Fault, Operation, Script } from './faulty-storage.ts';

/** The process dies at one call. */
export function killAt(number: number, when: 'before' | 'after'): Script {
  return (call) => (call.number === number ? { kind: 'kill', when } : undefined);
}

/** A fault for each of the named calls. */
export function faultsAt(faults: Readonly<Record<number, Fault>>): Script {
  return (call) => faults[call.number];
}

/** The same fault for the first `times` calls that fit. */
export function faultsOn(
  fits: { readonly operation?: Operation; readonly uri?: RegExp },
  fault: Fault,
  times = 1,
): Script {
  let left = times;
  return ({ operation, uri }) => {
    if (left === 0 || (fits.operation && fits.operation !== operation) || (fits.uri && !fits.uri.test(uri)))
      return undefined;
    left -= 1;
    return fault;
  };
}

/** What can befall any call of a store. */
export const FAULTS: readonly Fault[] = [
  { kind: 'lose reply' },
  { kind: 'lose request' },
  { kind: 'apply late', ms: 5 },
  { kind: 'apply late', ms: 100 },
  { kind: 'answer', status: 409 },
  { kind: 'answer', status: 412 },
  { kind: 'answer', status: 429 },
  { kind: 'answer', status: 500 },
  { kind: 'answer', status: 503 },
  { kind: 'answer', status: 403 },
  { kind: 'disk full' },
  { kind: 'truncate', bytes: 40 },
  { kind: 'break', bytes: 40 },
  { kind: 'kill', when: 'before' },
  { kind: 'kill', when: 'after' },
  { kind: 'delay', ms: 3 },
];

/** Faults drawn by chance, the same for the same seed; a test that uses it prints its seed when it fails. */
export function randomFaults(seed: number, rate: number, faults: readonly Fault[]): Script {
  const random = seeded(seed);
  return () => {
    const [hit, which] = [random(), random()];
    return hit < rate ? faults[Math.floor(which * faults.length)] : undefined;
  };
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
