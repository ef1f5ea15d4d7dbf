/**
 * What random tests begin with. Where CI is set it is always the same, so that a change is judged by what it does and
 * not by luck; by hand and in soaks it is another each time. A test that draws from it prints it. TAILRACE_SEED sets it.
 */
export const SEED = Number(process.env['TAILRACE_SEED'] ?? (process.env['CI'] ? 20_261_121 : Date.now() % 100_000));

/** Whether the seed was asked for or is CI's: then everything that is random follows it. */
export const SEED_IS_FIXED = process.env['TAILRACE_SEED'] !== undefined || Boolean(process.env['CI']);
