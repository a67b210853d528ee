/**
 * Loading kernel modules for the devices that are there (coldplug), as the receiver's PID 1 does.
 *
 * Dependencies and aliases were worked out when the initramfs was built, so this walks the
 * `modalias` files of sysfs, loads what matches, and looks again until a pass finds nothing new,
 * because a bus driver makes devices appear. A module that fails does not stop the others: its
 * error is returned. Source: finit_module(2); globs are those of fnmatch(3).
 */
import { closeSync, openSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { errnoName, lastErrno, libcFunction } from "./libc.io.ts";

/** What coldplug needs to know of the modules at hand (initramfs/modules-index.ts makes it). */
export interface ModuleTable {
  /** Module name -> its file, all modules to load before it, and the aliases it answers to. */
  readonly modules: Readonly<
    Record<
      string,
      {
        readonly file: string;
        readonly depends: readonly string[];
        readonly aliases: readonly string[];
      }
    >
  >;
  /** Modules no device asks for. */
  readonly always: readonly string[];
}

/** What became of the modules. */
export interface ColdplugResult {
  /** Names of those loaded, in order. */
  readonly loaded: readonly string[];
  /** Those that the kernel refused: "igb: ENODEV". */
  readonly failed: readonly string[];
}

const FINIT_MODULE: Readonly<Record<string, number>> = { x64: 313, arm64: 273 };
const EEXIST = 17;
/** A bus behind a bus behind a bus: three passes in practice. */
const PASSES_MAX = 8;

/**
 * Loads what the devices of this computer need.
 *
 * @param table - Modules at hand.
 * @param sysRoot - Root of sysfs.
 * @param load - Loads one file and answers an errno, 0 for success; default: finit_module.
 * @returns What was loaded and what was refused.
 */
export function coldplug(
  table: ModuleTable,
  sysRoot = "/sys",
  load: (file: string) => number = loadModule,
): ColdplugResult {
  const loaded: string[] = [];
  const failed: string[] = [];
  const tried = new Set<string>();
  const index = new AliasIndex(table);
  const one = (name: string): void => {
    const entry = table.modules[name];
    if (entry === undefined || tried.has(name)) return;
    tried.add(name);
    const errno = load(entry.file);
    if (errno === 0) loaded.push(name);
    else if (errno !== EEXIST) failed.push(`${name}: ${errnoName(errno)}`);
  };
  const withDependencies = (name: string): void => {
    for (const before of table.modules[name]?.depends ?? []) one(before);
    one(name);
  };
  for (const name of table.always) withDependencies(name);
  for (let pass = 0; pass < PASSES_MAX; pass += 1) {
    const before = tried.size;
    for (const alias of deviceAliases(sysRoot)) {
      for (const name of index.matching(alias)) withDependencies(name);
    }
    if (tried.size === before) break;
  }
  return { loaded, failed };
}

/**
 * Turns a glob of fnmatch(3) into a regular expression.
 *
 * @param glob - With "*", "?" and "[...]".
 * @returns An anchored expression.
 * @internal A test looks at it.
 */
export function globExpression(glob: string): RegExp {
  const source = glob.replaceAll(/\[(!?)([^\]]*)\]|[*?]|[^*?[]+|\[/g, (piece, not, inside) => {
    if (piece === "*") return ".*";
    if (piece === "?") return ".";
    if (piece.startsWith("[") && piece.endsWith("]") && piece.length > 2) {
      return `[${not === "!" ? "^" : ""}${String(inside).replaceAll(/[\\^]/g, "\\$&")}]`;
    }
    return piece.replaceAll(/[\\^$.|+(){}[\]]/g, "\\$&");
  });
  return new RegExp(`^${source}$`, "s");
}

/** Aliases by the bus in front of their first colon, so that a device meets few expressions. */
class AliasIndex {
  readonly #byBus = new Map<string, { readonly name: string; readonly expression: RegExp }[]>();
  readonly #answers = new Map<string, readonly string[]>();

  constructor(table: ModuleTable) {
    for (const [name, { aliases }] of Object.entries(table.modules)) {
      for (const alias of aliases) {
        const bus = alias.split(":", 1)[0] ?? "";
        const list = this.#byBus.get(bus) ?? [];
        list.push({ name, expression: globExpression(alias) });
        this.#byBus.set(bus, list);
      }
    }
  }

  matching(alias: string): readonly string[] {
    const known = this.#answers.get(alias);
    if (known !== undefined) return known;
    const bus = alias.split(":", 1)[0] ?? "";
    const names = (this.#byBus.get(bus) ?? [])
      .filter(({ expression }) => expression.test(alias))
      .map(({ name }) => name);
    this.#answers.set(alias, names);
    return names;
  }
}

function deviceAliases(sysRoot: string): ReadonlySet<string> {
  const aliases = new Set<string>();
  const buses = join(sysRoot, "bus");
  for (const bus of names(buses)) {
    const devices = join(buses, bus, "devices");
    for (const device of names(devices)) {
      const alias = textOf(join(devices, device, "modalias"));
      if (alias !== "") aliases.add(alias);
    }
  }
  return aliases;
}

function loadModule(file: string): number {
  const number = FINIT_MODULE[process.arch] ?? 0;
  const finit = libcFunction("syscall", "long", ["long", "int", "str", "int"]);
  const fd = openSync(file, "r");
  try {
    return finit(number, fd, "", 0) === 0 ? 0 : lastErrno();
  } finally {
    closeSync(fd);
  }
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // a bus without devices has no such folder
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1").trim();
  } catch {
    return ""; // most devices of most buses have no alias
  }
}
