/**
 * The tidy gate: prints every finding as `file:line: rule: cure` and exits 1 if there is one.
 *
 * The tree is what git tracks or would track, so a file is judged before its first
 * commit and nothing that is ignored is read. The rules are in tidy-rules.ts.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { rules } from "./tidy-rules.ts";
import type { Tree } from "./source-tree.ts";

const root = resolve(import.meta.dirname, "..");
/** Of files above this, only the size is checked. Unit: bytes. */
const textBytesMax = 4 << 20;

function readTree(): Tree {
  const list = execFileSync(
    "git",
    ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    { cwd: root, encoding: "utf8", maxBuffer: 64 << 20 },
  );
  const texts = new Map<string, string>();
  const sizes = new Map<string, number>();
  for (const path of list.split("\0").filter((name) => name !== "")) {
    const file = resolve(root, path);
    const status = statSync(file, { throwIfNoEntry: false });
    if (status === undefined || !status.isFile()) continue;
    sizes.set(path, status.size);
    const isText =
      /\.(ts|md|json|patch)$|^Makefile$|^scripts\/plain-words\.txt$/.test(path) &&
      status.size <= textBytesMax;
    if (isText) texts.set(path, readFileSync(file, "utf8"));
  }
  return { texts, sizes };
}

const tree = readTree();
const findings = rules.flatMap((rule) => rule(tree));
for (const { path, line, rule, cure } of findings) console.log(`${path}:${line}: ${rule}: ${cure}`);
console.log(`tidy: ${tree.sizes.size} files, ${findings.length} findings`);
process.exitCode = findings.length === 0 ? 0 : 1;
