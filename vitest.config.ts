import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**'],
    globalSetup: ['test/support/build.ts'],
    setupFiles: ['test/support/seed.ts'],
    testTimeout: 60_000,
    pool: 'forks',
    // Files of one process share their modules: loading the API's tables anew for each would double the time.
    isolate: false,
    maxWorkers: 2,
  },
});
