/**
 * The test runner's projects, one per kind of proof; CONTRIBUTING.md says what each one is for.
 *
 * The idea: a kind of test is a folder under test/ and a project of the same name, so
 * `vitest run --project unit` and `make unit` mean the same thing. Time limits are bounds against
 * hanging, never measurements.
 */
import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";

/** Project name -> longest time one test may take, in milliseconds. */
const projects: Readonly<Record<string, number>> = {
  unit: 20_000,
  walk: 60_000,
  cli: 180_000,
  sim: 300_000,
  interop: 180_000,
  e2e: 1_200_000,
};

const config: ViteUserConfig = defineConfig({
  test: {
    passWithNoTests: false,
    // By default one processor is left free, which on two of them halves the work done at a time.
    maxWorkers: "100%",
    projects: Object.entries(projects).map(([name, timeoutMs]) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        environment: "node",
        pool: "forks",
        testTimeout: timeoutMs,
        hookTimeout: timeoutMs,
      },
    })),
  },
});

export default config;
