/**
 * Plants faults and demands that the tests see them: every patch of test/mutants is applied to a
 * copy of the project, and the test that it names must turn red. Without the patch it is green.
 *
 *     node scripts/mutants.ts            # all of them: some minutes
 *     node scripts/mutants.ts arm seq    # those whose file name has one of these words
 *
 * A patch is the output of `git diff` below a few lines of header: `Plants:` says what is wrong
 * with it, `Promise:` which promise of ARCHITECTURE.md it breaks (a dash: none of these), `Test:`
 * is a project and a file, and `Name:` (which may be absent) is what the test's name must contain.
 * The exit code is 1 when a fault was not seen, when a test is red without it, or when a patch no
 * longer applies.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

/** One planted fault. */
interface Mutant {
  readonly file: string;
  readonly plants: string;
  readonly promise: string;
  readonly test: TestChoice;
}

interface TestChoice {
  readonly project: string;
  readonly path: string;
  readonly name: string;
}

/** What a run of a test came to; "broken" is a run that tested nothing. */
type Outcome = "green" | "red" | "broken";

const root = resolve(import.meta.dirname, "..");
const patches = join(root, "test/mutants");
const place = join(root, "build/mutants");
const copy = join(place, "tree");
/** A simulated lab must show a fault within so many seeds. */
const LAB_RUNS = "500";

function run(program: string, args: readonly string[], folder: string): string | undefined {
  const done = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
  return done.status === 0 ? done.stdout : undefined;
}

function must(program: string, ...args: string[]): string {
  const output = run(program, args, root);
  if (output === undefined) throw new Error(`Cannot run ${program} ${args.join(" ")}`);
  return output;
}

function readMutant(file: string): Mutant {
  const text = readFileSync(join(patches, file), "utf8");
  const field = (name: string): string =>
    new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1]?.trim() ?? "";
  const [project = "", path = ""] = field("Test").split(" ");
  const test = { project, path, name: field("Name") };
  const mutant = { file, plants: field("Plants"), promise: field("Promise"), test };
  if (mutant.plants !== "" && mutant.promise !== "" && path !== "") return mutant;
  throw new Error(`Cannot use ${file}: it lacks a line of Plants:, Promise: or Test:`);
}

/** Copies the working tree as it is, with uncommitted changes; packages are hard links. */
function makeCopy(): void {
  dropCopy();
  mkdirSync(place, { recursive: true });
  const commit = must("git", "stash", "create").trim();
  must("git", "worktree", "add", "--detach", copy, commit === "" ? "HEAD" : commit);
  for (const packages of [".node", "node_modules"]) {
    must("cp", "-alL", join(root, packages), join(copy, packages));
  }
}

function dropCopy(): void {
  run("git", ["worktree", "remove", "--force", copy], root);
  rmSync(copy, { recursive: true, force: true });
  run("git", ["worktree", "prune"], root);
}

function runTest({ project, path, name }: TestChoice): Outcome {
  const report = join(place, "report.json");
  rmSync(report, { force: true });
  const filter = name === "" ? [] : ["-t", name];
  const args = ["run", "--project", project, path, ...filter];
  spawnSync("vitest", [...args, "--reporter=json", `--outputFile=${report}`], {
    cwd: copy,
    stdio: "ignore",
    env: { ...process.env, LAB_RUNS, LAB_FAILURES: "1" },
  });
  try {
    const totals = JSON.parse(readFileSync(report, "utf8")) as Record<string, number>;
    if ((totals["numFailedTests"] ?? 0) > 0) return "red";
    return (totals["numPassedTests"] ?? 0) > 0 ? "green" : "broken";
  } catch {
    return "broken";
  }
}

/** @returns What is wrong, or undefined when the fault was seen. */
function tryMutant(mutant: Mutant): string | undefined {
  const patch = join(patches, mutant.file);
  if (run("git", ["apply", patch], copy) === undefined) return "does not apply: make it anew";
  try {
    const outcome = runTest(mutant.test);
    if (outcome === "red") return undefined;
    return outcome === "green" ? "SURVIVES" : "no test ran: does the patched code still parse?";
  } finally {
    run("git", ["checkout", "--quiet", "--", "."], copy);
  }
}

function main(words: readonly string[]): number {
  const mutants = readdirSync(patches)
    .filter((file) => file.endsWith(".patch"))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort()
    .map(readMutant);
  makeCopy();
  let faults = 0;
  const line = (cells: readonly string[], mutant: Pick<Mutant, "plants">): void => {
    const [what = "", promise = "", seconds = "", how = ""] = cells;
    const head = `${promise.padEnd(4)} ${what.padEnd(30)} ${seconds.padStart(6)} s`;
    console.log(`${head}  ${how.padEnd(8)}  ${mutant.plants}`);
  };
  try {
    const tests = new Map(mutants.map(({ test }) => [JSON.stringify(test), test]));
    for (const test of tests.values()) {
      const outcome = runTest(test);
      if (outcome === "green") continue;
      faults += 1;
      console.log(`without a fault ${test.path} "${test.name}" is ${outcome}, green wanted`);
    }
    for (const mutant of mutants) {
      const began = performance.now();
      const fault = tryMutant(mutant);
      faults += fault === undefined ? 0 : 1;
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      line(
        [mutant.file.replace(/[.]patch$/, ""), mutant.promise, seconds, fault ?? "seen"],
        mutant,
      );
    }
  } finally {
    dropCopy();
  }
  console.log(`${mutants.length} faults planted, ${faults} not right`);
  return faults === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
