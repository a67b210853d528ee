/**
 * Loads kernel modules for the devices that are there (coldplug), as the receiver's PID 1 does.
 *
 * Dependencies and aliases were computed when the initramfs was built. So this reads the `modalias`
 * files of sysfs, loads the modules that match, and repeats until a pass finds nothing new, because
 * a bus driver makes devices appear. A module that fails does not stop the others: its error is
 * returned. Source: finit_module(2); globs are those of fnmatch(3).
 */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { errnoName, lastErrno, libcFunction } from "./libc.io.ts";
import { sysfsNames, sysfsText } from "./sysfs.io.ts";

/** What coldplug must know of the modules at hand (made by initramfs/modules-index.ts). */
export interface ModuleTable {
  /**
   * By module name: its file, all modules to load before it, and the aliases that it answers to.
   */
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
  /** Modules to load although no device asks for them. */
  readonly always: readonly string[];
}

export interface ColdplugResult {
  /** Names of the modules loaded, in order. */
  readonly loaded: readonly string[];
  /** Modules that the kernel refused: "igb: ENODEV". */
  readonly failed: readonly string[];
}

const FINIT_MODULE: Readonly<Record<string, number>> = { x64: 313, arm64: 273 };
const EEXIST = 17;
/** Most passes: a bus behind a bus behind a bus takes three in practice. */
const PASSES_MAX = 8;

/**
 * Loads the modules that the devices of this computer need.
 *
 * @param sysRoot - Root of sysfs.
 * @param load - Loads one file and returns an errno, 0 for success; default: finit_module.
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
 * @internal Exported for a test.
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

/**
 * Aliases by the bus before their first colon, so that a device is compared with few expressions.
 */
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
  for (const bus of sysfsNames(buses)) {
    const devices = join(buses, bus, "devices");
    for (const device of sysfsNames(devices)) {
      const alias = sysfsText(join(devices, device, "modalias"));
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
