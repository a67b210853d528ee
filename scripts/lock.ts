/**
 * Completes package-lock.json with the optional packages that the registry at hand did not have.
 *
 *     node scripts/lock.ts
 *
 * A native package names one optional package per platform, and `npm ci` refuses a lock file that
 * lacks any of them. A registry that mirrors only some platforms makes `npm install` write such a
 * lock file. We make the missing entries from the names, which contain operating system, processor
 * and C library. They have no integrity digest, because we have not seen these packages; npm skips
 * them on all platforms but their own. Run it after `npm install` when tidy says so.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { missingOptional, platformOf } from "./lock-entries.ts";
import type { LockFile } from "./lock-entries.ts";

const path = resolve(import.meta.dirname, "../package-lock.json");
const lock = JSON.parse(readFileSync(path, "utf8")) as LockFile;
const missing = missingOptional(lock);
const packages = { ...lock.packages };
for (const { name, version, dev } of missing) {
  packages[`node_modules/${name}`] = {
    version,
    ...platformOf(name),
    ...(dev ? { dev } : {}),
    optional: true,
  };
}
const sorted = Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1));
writeFileSync(
  path,
  `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`,
);
console.log(`package-lock.json: ${missing.length} entries added`);
