/**
 * Makes a small, real, bootable disk image for tests.
 *
 *     node test/rig/test-os.ts --kind tiny|debian --layout mbr|gpt --out FILE [--size MIB]
 *                             [--id TEXT] [--cache FOLDER]
 *
 * What the tests load onto virtual nodes must really boot, from the disk alone. When it has booted,
 * it prints `TESTOS-READY id=TEXT root=... kernel=...` on its first serial port. The parts are in
 * test-os/. Only FILE and build/cache are written.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ExitCode, HuckError, SituationError, messageOf } from "../../shared/core/errors.ts";
import { makeTestOs } from "./test-os/make.ts";
import type { TestOsRequest } from "./test-os/make.ts";

const SIZES_MIB = { tiny: 192, debian: 1024 };

function readRequest(): TestOsRequest {
  const { values } = parseArgs({
    options: {
      kind: { type: "string", default: "tiny" },
      layout: { type: "string", default: "gpt" },
      out: { type: "string", default: "" },
      size: { type: "string" },
      id: { type: "string", default: "testos" },
      cache: { type: "string", default: join(import.meta.dirname, "../../build/cache") },
    },
  });
  const { kind, layout, out, size, id, cache } = values;
  if (kind !== "tiny" && kind !== "debian") throw usage("--kind", kind, "tiny or debian");
  if (layout !== "mbr" && layout !== "gpt") throw usage("--layout", layout, "mbr or gpt");
  if (out === "") throw usage("--out", out, "a file");
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(id)) throw usage("--id", id, "letters, digits, . _ -");
  const sizeMib = size === undefined ? SIZES_MIB[kind] : Number(size);
  return { kind, table: layout, out: resolve(out), sizeMib, id, cache: resolve(cache) };
}

function usage(option: string, found: string, wanted: string): SituationError {
  return new SituationError("usage", `Cannot use ${option} "${found}": ${wanted} wanted`, {
    cure: "See the head of test/rig/test-os.ts.",
    exitCode: ExitCode.usage,
  });
}

try {
  await makeTestOs(readRequest());
} catch (thrown) {
  process.stderr.write(`${messageOf(thrown)}\n`);
  if (thrown instanceof SituationError) process.stderr.write(`${thrown.cure}\n`);
  if (!(thrown instanceof HuckError) && thrown instanceof Error) {
    process.stderr.write(`${thrown.stack ?? ""}\n`);
  }
  process.exitCode = thrown instanceof SituationError ? thrown.exitCode : ExitCode.unknown;
}
