/**
 * The contract of `/app/modules.json`: which kernel modules are in the initramfs, and which devices
 * need them. The build writes it, and the receiver's coldplug reads it.
 *
 * Everything that `modprobe` would look up is worked out at build time, so the receiver only loads
 * files in the order given. To use it: for each `modalias` file below /sys/bus/*\/devices, find the
 * modules with a matching alias, load every name of `depends` in order, then the module itself; a
 * module already there answers EEXIST, which is success. Do so again until a pass loads nothing
 * new, because a loaded bus driver reveals more devices.
 */

/** One module in the initramfs. */
export interface ModuleEntry {
  /** Absolute path of the uncompressed file in the initramfs, e.g. "/lib/modules/igb.ko". */
  readonly file: string;
  /** Names of *all* modules to load before it, in order; every one is a key of `modules`. */
  readonly depends: readonly string[];
  /** Globs ("*", "?" and "[...]" of fnmatch(3)) that are matched against a device's modalias. */
  readonly aliases: readonly string[];
}

/** The content of `/app/modules.json`. */
export interface ModulesIndex {
  /** Release of the kernel the modules belong to, as `uname -r` prints it. */
  readonly kernelRelease: string;
  /** Module name, with underscores -> entry. Keys are sorted. */
  readonly modules: Readonly<Record<string, ModuleEntry>>;
  /** Modules that no device asks for by alias: load them, dependencies first, before coldplug. */
  readonly always: readonly string[];
}
