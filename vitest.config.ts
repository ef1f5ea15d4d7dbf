import { defineConfig } from 'vitest/config';

// Unit tests need Node and nothing else, and so do those that hold whole runs against models. The other projects start
// real servers, readers in Python and on the JVM, or whole processes that are killed; they run after the unit tests.
// Servers share ports and rooms by file, so one file at a time; what waits for one thread most of its time (kills, one reader) runs two files side by side.
const apart = {
  model: ['test/{chain,property,faults}/**/*.test.ts', 'test/**/*.model.test.ts'],
  servers: ['test/servers/**/*.test.ts', 'test/**/*.servers.test.ts'],
  interop: ['test/interop/**/*.test.ts', 'test/**/*.interop.test.ts'],
  crash: ['test/crash/**/*.test.ts', 'test/**/*.crash.test.ts'],
  package: ['test/package/**/*.test.ts', 'test/examples/**/*.test.ts'],
};

/** The seed of random tests. */
const setupFiles = ['test/setup.ts'];

/** A name says more than a folder. */
const elsewhere = ['test/**/*.servers.test.ts', 'test/**/*.interop.test.ts', 'test/**/*.crash.test.ts'];

const slow = (name: keyof typeof apart, groupOrder: number, testTimeout: number, maxWorkers = 1) => ({
  test: {
    name,
    setupFiles,
    include: apart[name],
    exclude: name === 'model' ? elsewhere : [],
    pool: 'forks' as const,
    fileParallelism: maxWorkers > 1,
    maxWorkers,
    sequence: { groupOrder },
    testTimeout,
    hookTimeout: testTimeout,
  },
});

export default defineConfig({
  test: {
    globalSetup: ['test/rooms.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles,
          include: ['test/**/*.test.ts'],
          exclude: Object.values(apart).flat(),
          pool: 'forks' as const,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      slow('model', 1, 120_000, 2),
      slow('servers', 2, 120_000),
      slow('interop', 3, 600_000, 2),
      slow('crash', 4, 600_000, 2),
      slow('package', 5, 300_000),
    ],
  },
});
