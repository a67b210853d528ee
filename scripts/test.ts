/**
 * Runs the parts of the test suite that are named on the command line and adds up their totals.
 *
 *     node scripts/test.ts check unit walk cli sim interop smoke
 *
 * A part is a list of steps. A step is a gate, which counts as one test, or a project of
 * vitest.config.ts, whose JSON report is counted. A failed step does not stop the next one, so one
 * run shows everything that is wrong. After the table every failed test is named again with the
 * first line of its message, because the rest has long scrolled away. The last line is `N passed,
 * N failed`; the exit code is 1 if anything failed, or if a step died before it could report.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative, resolve } from "node:path";

/** One command, and how to count it. */
interface Step {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** True: vitest with a JSON report. False: a gate that passes or fails as one. */
  readonly isVitest: boolean;
}

/** What a step or a whole run came to. */
interface Totals {
  readonly passed: number;
  readonly failed: number;
  /** Tests that lacked root or a tool; where CI is set they count as failed. */
  readonly skipped: number;
}

/** A line of the summary. */
interface Row {
  readonly name: string;
  readonly totals: Totals;
  readonly seconds: number;
  /** The failed gates and tests, each test with the first line of its message. */
  readonly failures: readonly string[];
}

/** The fields of vitest's JSON report that are counted. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    /** What went wrong outside its tests, say in a set-up. */
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const root = resolve(import.meta.dirname, "..");
const results = join(root, "build/test-results");
const sources = ["shared", "server", "receiver", "initramfs", "scripts", "test"];
/** Longest message of a failed test after the table. Unit: characters. */
const MESSAGE_MAX = 300;
const none: Totals = { passed: 0, failed: 0, skipped: 0 };

function gate(name: string, ...command: string[]): Step {
  return { name, command, isVitest: false };
}

function vitest(name: string, args: string[], environment: Record<string, string> = {}): Step {
  const report = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportPath(name)}`];
  return { name, command: ["vitest", "run", ...args, ...report], environment, isVitest: true };
}

function reportPath(name: string): string {
  return join(results, `${name}.json`);
}

const parts: Readonly<Record<string, readonly Step[]>> = {
  check: [
    gate("types", "tsc", "--noEmit", "-p", "."),
    gate("lint", "eslint", "--max-warnings=0", "."),
    gate("import rules", "depcruise", "--output-type", "err-long", "huck.ts", ...sources),
    gate("dead code", "knip", "--no-progress"),
    gate("dead exports", "knip", "--no-progress", "--production"),
    gate("format", "biome", "ci", "--colors=off"),
    gate("tidy", "node", "scripts/tidy.ts"),
    gate("kernels", "node", "scripts/kernels.ts", "--check"),
  ],
  unit: [vitest("unit", ["--project", "unit"])],
  walk: [vitest("walk", ["--project", "walk"])],
  cli: [vitest("cli", ["--project", "cli"])],
  sim: [vitest("sim", ["--project", "sim"], { SESSIONS: "500", LAB_RUNS: "500" })],
  interop: [vitest("interop", ["--project", "interop", "--no-file-parallelism"])],
  smoke: [vitest("smoke", ["--project", "e2e", "--no-file-parallelism", "test/e2e/smoke"])],
  e2e: [vitest("e2e", ["--project", "e2e", "--no-file-parallelism"])],
};

function timed(step: Step): Row {
  const startMs = performance.now();
  const outcome = runStep(step);
  return { name: step.name, ...outcome, seconds: (performance.now() - startMs) / 1000 };
}

function runStep(step: Step): Pick<Row, "totals" | "failures"> {
  console.log(`\n== ${step.name}: ${step.command.slice(0, 4).join(" ")}`);
  if (step.isVitest) rmSync(reportPath(step.name), { force: true });
  const [program = "", ...args] = step.command;
  const run = spawnSync(program, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...step.environment },
  });
  if (run.error !== undefined) console.error(`Cannot run ${program}: ${run.error.message}`);
  const succeeded = run.status === 0;
  if (step.isVitest) return readReport(step.name, succeeded);
  if (succeeded) return { totals: { ...none, passed: 1 }, failures: [] };
  return { totals: { ...none, failed: 1 }, failures: [`FAILED ${step.command.join(" ")}`] };
}

/** Counts a vitest report; a run that failed without a failed test (say, a crash) counts as one. */
function readReport(name: string, succeeded: boolean): Pick<Row, "totals" | "failures"> {
  let report: VitestReport;
  try {
    report = JSON.parse(readFileSync(reportPath(name), "utf8")) as VitestReport;
  } catch (error) {
    console.error(`Cannot read the report of ${name}: ${String(error)}`);
    return { totals: { ...none, failed: 1 }, failures: [] };
  }
  const { numPassedTests: passed, numFailedTests, numPendingTests: skipped } = report;
  const failed = succeeded ? numFailedTests : Math.max(1, numFailedTests);
  const failures = failuresOf(report);
  if (process.env["CI"] === undefined) return { totals: { passed, failed, skipped }, failures };
  return { totals: { passed, failed: failed + skipped, skipped: 0 }, failures };
}

function failuresOf(report: VitestReport): string[] {
  return report.testResults.flatMap(({ name: file, status, message, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === "failed");
    if (failed.length === 0 && status === "failed") return [failureText(file, "set-up", message)];
    return failed.map((test) => failureText(file, test.fullName, test.failureMessages[0] ?? ""));
  });
}

function failureText(file: string, test: string, message: string): string {
  const [line = ""] = message.split("\n", 1);
  return `FAILED ${relative(root, file)}: ${test}\n    ${line.slice(0, MESSAGE_MAX)}`;
}

function textOf({ passed, failed, skipped }: Totals): string {
  const rest = skipped === 0 ? "" : `, ${skipped} skipped`;
  return `${passed} passed, ${failed} failed${rest}`;
}

function main(names: readonly string[]): number {
  const unknown = names.filter((name) => parts[name] === undefined);
  if (names.length === 0 || unknown.length > 0) {
    console.error(`Cannot run "${unknown.join(" ")}": parts are ${Object.keys(parts).join(" ")}`);
    return 2;
  }
  mkdirSync(results, { recursive: true });
  const rows = names.flatMap((name) => parts[name] ?? []).map((step) => timed(step));
  console.log("");
  for (const { name, totals, seconds } of rows) {
    const time = `${seconds.toFixed(1).padStart(7)} s`;
    console.log(`  ${name.padEnd(14)}${time}  ${textOf(totals)}`);
  }
  for (const failure of rows.flatMap((row) => row.failures)) console.log(failure);
  const sum = rows.reduce(
    (total, row) => ({
      passed: total.passed + row.totals.passed,
      failed: total.failed + row.totals.failed,
      skipped: total.skipped + row.totals.skipped,
    }),
    none,
  );
  console.log(textOf(sum));
  return sum.failed === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
