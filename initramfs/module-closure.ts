/**
 * Works out which kernel modules go into the initramfs, and in which order each is loaded.
 *
 * We start from the names in modules.txt and add their dependencies until nothing new comes. The
 * dependencies of each module are written as one flat list, deepest first, so that loading needs no
 * search. Soft dependencies are taken if such a module exists. They may also be aliases
 * ("crypto-crc32c"); then modules.txt must name the module.
 */
import { FormatError, SituationError } from "../shared/core/errors.ts";
import type { ModuleInfo } from "./modinfo.ts";
import { moduleName } from "./modinfo.ts";
import type { ModuleEntry, ModulesIndex } from "./modules-index.ts";

/** The content of modules.txt. */
export interface ModuleList {
  /** Modules wanted because a device may ask for them. */
  readonly byDevice: readonly string[];
  /** Modules wanted at every start ("always" before the name). */
  readonly always: readonly string[];
}

/** One module file, read. */
export interface LoadedModule {
  readonly info: ModuleInfo;
  readonly bytes: Uint8Array;
}

/** The chosen modules: files for the archive, and the index that describes them. */
export interface ModuleClosure {
  readonly index: ModulesIndex;
  /** Absolute path in the initramfs -> content. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Firmware files that the chosen modules may ask for; none is in the initramfs. */
  readonly firmware: readonly string[];
}

/**
 * Parses modules.txt: one module a line, "#" begins a comment, "always NAME" loads it at start.
 *
 * @param text - The file.
 * @returns Names with underscores, in the file's order.
 * @throws {@link FormatError} `module_list` on any other line or a name given twice.
 */
export function parseModuleList(text: string): ModuleList {
  const byDevice: string[] = [];
  const always: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const content = line.replace(/#.*/, "").trim();
    if (content === "") continue;
    const match = /^(always\s+)?([A-Za-z0-9_-]+)$/.exec(content);
    const name = moduleName(match?.[2] ?? "");
    if (match === null || byDevice.includes(name) || always.includes(name)) {
      const found = `line ${index + 1} is "${content}"`;
      const wanted = `"NAME" or "always NAME" wanted, each name once`;
      throw new FormatError("module_list", `Cannot read module list: ${found}, ${wanted}`);
    }
    (match[1] === undefined ? byDevice : always).push(name);
  }
  return { byDevice, always };
}

/** Where module files come from. */
export interface ModuleSource {
  /** What `uname -r` will print. */
  readonly kernelRelease: string;
  /** Reads and unpacks a module; undefined when the kernel has no such module file. */
  readonly load: (name: string) => LoadedModule | undefined;
}

/**
 * Chooses modules.
 *
 * @param list - What is wanted.
 * @param source - The kernel's modules. `load` is called once for each name that exists.
 * @returns The closure under `depends=` and existing `softdep pre:`.
 * @throws {@link SituationError} `module_missing` when a wanted or needed module is not there;
 *   {@link FormatError} `module_cycle`.
 */
export function closeModules(list: ModuleList, source: ModuleSource): ModuleClosure {
  const walk: Walk = { source, loaded: new Map(), ordered: new Map() };
  for (const name of [...list.always, ...list.byDevice]) {
    visit(walk, name, ["modules.txt"]);
  }
  const names = [...walk.ordered.keys()].sort();
  const modules: Record<string, ModuleEntry> = {};
  const files = new Map<string, Uint8Array>();
  const firmware = new Set<string>();
  for (const name of names) {
    const { info, bytes } = required(walk, name, []);
    const file = `/lib/modules/${name}.ko`;
    modules[name] = { file, depends: walk.ordered.get(name) ?? [], aliases: info.aliases };
    files.set(file, bytes);
    for (const path of info.firmware) firmware.add(path);
  }
  const { kernelRelease } = source;
  const index = { kernelRelease, modules, always: [...list.always] };
  return { index, files, firmware: [...firmware].sort() };
}

interface Walk {
  readonly source: ModuleSource;
  readonly loaded: Map<string, LoadedModule | undefined>;
  /** Finished modules -> all modules to load before them, in order. */
  readonly ordered: Map<string, readonly string[]>;
}

/**
 * Visits a module, depth first. `trail` holds the names on the way down; refusing cycles bounds the
 * depth.
 *
 * @throws {@link FormatError} `module_cycle`; {@link SituationError} `module_missing`.
 */
function visit(walk: Walk, name: string, trail: readonly string[]): readonly string[] {
  const known = walk.ordered.get(name);
  if (known !== undefined) return known;
  if (trail.includes(name)) {
    const circle = [...trail, name].join(" -> ");
    throw new FormatError("module_cycle", `Cannot order modules: ${circle}, no circle wanted`);
  }
  const { info } = required(walk, name, trail);
  const soft = info.softBefore.filter((before) => load(walk, before) !== undefined);
  const before = new Set<string>();
  for (const needed of [...soft, ...info.depends]) {
    for (const deeper of visit(walk, needed, [...trail, name])) before.add(deeper);
    before.add(needed);
  }
  walk.ordered.set(name, [...before]);
  return [...before];
}

function required(walk: Walk, name: string, trail: readonly string[]): LoadedModule {
  const found = load(walk, name);
  if (found !== undefined) return found;
  throw new SituationError(
    "module_missing",
    `Cannot add module "${name}": kernel ${walk.source.kernelRelease} has no such file, ` +
      `wanted by ${trail.at(-1) ?? "modules.txt"}`,
    { cure: "Take the name out of initramfs/modules.txt if the kernel now has it built in." },
  );
}

function load(walk: Walk, name: string): LoadedModule | undefined {
  if (!walk.loaded.has(name)) walk.loaded.set(name, walk.source.load(name));
  return walk.loaded.get(name);
}
