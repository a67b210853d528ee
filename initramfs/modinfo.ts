/**
 * Reads what a kernel module says about itself: its `.modinfo` section.
 *
 * The section is a list of NUL-ended "key=value" strings, written by the kernel's MODULE_* macros
 * (include/linux/moduleinfo: MODULE_INFO). It has everything that `depmod` knows except symbols;
 * these are not needed, because the kernel's build put the modules that export them into
 * `depends=`. Names are brought to one spelling here: a file may be "crc32c-intel", its module name
 * is "crc32c_intel".
 */
import { FormatError } from "../shared/core/errors.ts";
import { elfSection } from "./elf.ts";

/** What a module says about itself. */
export interface ModuleInfo {
  /** Module name with underscores, e.g. "virtio_net". */
  readonly name: string;
  /** Modules whose symbols it needs. */
  readonly depends: readonly string[];
  /** Module names or aliases that should be there first. Missing ones are no error. */
  readonly softBefore: readonly string[];
  /** Globs of device names it drives, e.g. "pci:v00008086d000010D3sv*sd*bc*sc*i*". */
  readonly aliases: readonly string[];
  /** Firmware files it may ask for. */
  readonly firmware: readonly string[];
}

/**
 * Parses the `.modinfo` section of a module.
 *
 * @param file - The uncompressed .ko file.
 * @returns What it says; lists in the section's order.
 * @throws {@link FormatError} `not_a_module` when there is no such section or no name in it,
 *   `elf_malformed`, `truncated`.
 */
export function readModuleInfo(file: Uint8Array): ModuleInfo {
  const section = elfSection(file, ".modinfo");
  if (section === undefined) throw notAModule("no .modinfo section");
  const strings = Buffer.from(section).toString("latin1").split("\0");
  const values = (key: string): string[] =>
    strings.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
  const name = values("name")[0];
  if (name === undefined || name === "") throw notAModule("no name= in .modinfo");
  return {
    name: moduleName(name),
    depends: values("depends").flatMap((list) => names(list, ",")),
    softBefore: values("softdep").flatMap(softBefore),
    aliases: values("alias"),
    firmware: values("firmware"),
  };
}

/**
 * Gives the one spelling of a module's name.
 *
 * @param text - A name or the base name of a module file, with or without ".ko" and ".xz".
 * @returns The name with underscores.
 */
export function moduleName(text: string): string {
  return text.replace(/\.ko(\.(xz|gz|zst))?$/, "").replaceAll("-", "_");
}

/** "pre: a b post: c" -> [a, b]. */
function softBefore(text: string): string[] {
  const before = /\bpre:\s*([^:]*?)(?:\s+post:|$)/.exec(text)?.[1] ?? "";
  return names(before, " ");
}

function names(list: string, separator: string): string[] {
  return list
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(moduleName);
}

function notAModule(found: string): FormatError {
  return new FormatError("not_a_module", `Cannot read kernel module: ${found}, a .ko file wanted`);
}
