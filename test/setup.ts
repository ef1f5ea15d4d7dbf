import { SEED, SEED_IS_FIXED } from './seed.ts';

if (SEED_IS_FIXED) {
  const { default: fc } = await import('fast-check');
  fc.configureGlobal({ seed: SEED });
}
