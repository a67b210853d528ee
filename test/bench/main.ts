/**
 * Runs huck beside other multicast programs and prints medians and ratios.
 *
 * The idea: a figure means something only beside a peer's of the same minutes on the same host, so
 * repetitions are outermost (A B C, A B C, ...) and every row is divided by the best peer's. The
 * harness makes the network, starts the programs and compares every copy (README.md beside this).
 *
 *     BENCH_HOME=/path/to/bench node test/bench/main.ts --reps 3 --loss 0,1,5 --out figures
 */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { cellsOf, markdownOf } from "./figures.ts";
import type { BenchRun } from "./figures.ts";

const root = new URL("../..", import.meta.url).pathname;
const plugs = join(root, "test/bench");

const { values } = parseArgs({
  options: {
    systems: { type: "string", default: "huck,huck-auto,udpcast-fd,udpcast-fec,uftp" },
    n: { type: "string", default: "4" },
    rate: { type: "string", default: "1000" },
    loss: { type: "string", default: "0,1,5" },
    size: { type: "string", default: "512M" },
    reps: { type: "string", default: "3" },
    out: { type: "string", default: "" },
  },
});

/** Bundles the dispatcher as the packaged command is, so that start-up is what users have. */
async function bundle(folder: string): Promise<string> {
  await build({
    entryPoints: [process.env["HUCK_ENTRY"] ?? join(root, "huck.ts")],
    entryNames: "huck",
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    external: ["@napi-rs/blake-hash", "zstd-napi", "raw-socket", "koffi"],
    banner: {
      js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);",
    },
    logLevel: "error",
  });
  const { arch } = process;
  const koffi = `@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`;
  copyFileSync(join(root, "node_modules", koffi), join(folder, "koffi.node"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return `${process.execPath} ${join(folder, "huck.mjs")}`;
}

function oneRun(home: string, system: string, loss: string, huck: string): BenchRun | undefined {
  const options = ["--n", values.n, "--rate", values.rate, "--size", values.size, "--loss", loss];
  const words = ["--system", system, ...options, "--reps", "1", "--retry", "1"];
  const env = { ...process.env, BENCH_SYSTEMS: plugs, HUCK: huck, HUCK_ROOT: root };
  const result = spawnSync(join(home, "run.sh"), words, { env, encoding: "utf8" });
  const line = result.stdout.trim().split("\n").at(-1) ?? "";
  if (!line.startsWith("{")) {
    process.stderr.write(`${system}: ${result.stderr.trim()}\n`);
    return undefined;
  }
  const run = JSON.parse(line) as BenchRun;
  return run.skipped === true ? undefined : run;
}

/** Repetitions outermost, so that a host that slows down slows everybody. */
function allRuns(home: string, huck: string): readonly BenchRun[] {
  const cells = values.loss
    .split(",")
    .flatMap((loss) => values.systems.split(",").map((system) => ({ loss, system })));
  const runs: BenchRun[] = [];
  for (let rep = 0; rep < Number(values.reps); rep += 1) {
    for (const { loss, system } of cells) {
      const run = oneRun(home, system, loss, huck);
      if (run === undefined) continue;
      runs.push({ ...run, system }); // a plug may call itself by another name
      process.stderr.write(`${system} loss ${loss} %: ${run.seconds} s\n`);
    }
  }
  return runs;
}

async function main(): Promise<void> {
  const home = process.env["BENCH_HOME"];
  if (home === undefined) throw new Error("Cannot run: set BENCH_HOME to the harness's folder");
  const folder = mkdtempSync(join(tmpdir(), "huck-bench-"));
  try {
    const huck = process.env["HUCK"] ?? (await bundle(folder));
    const runs = allRuns(home, huck);
    const cells = cellsOf(runs);
    const host = execFileSync("uname", ["-srm"], { encoding: "utf8" }).trim();
    const json = JSON.stringify({ host, options: values, cells, runs }, null, 1);
    if (values.out === "") process.stdout.write(`${json}\n`);
    else {
      mkdirSync(values.out, { recursive: true });
      writeFileSync(join(values.out, "campaign.json"), json);
      writeFileSync(join(values.out, "campaign.md"), markdownOf(cells));
    }
    process.stderr.write(markdownOf(cells));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await main();
