/**
 * The large part of the boot files: everything that depends on inputs.lock and modules.txt only.
 *
 * Node.js, libraries, native modules and kernel modules are 99 % of the archive and change rarely.
 * So they are packed once, into a cpio archive of their own, which is kept in the cache under the
 * digest of its inputs. The kernel unpacks concatenated archives one after the other, so the bundle
 * follows in a second, small one (boot-files.ts).
 */
import { basename } from "node:path";
import { SituationError } from "../shared/core/errors.ts";
import { unpackVmlinuz } from "./bzimage.ts";
import type { CpioEntry } from "./cpio.ts";
import { decompress } from "./deb.ts";
import type { PackageFiles } from "./deb.ts";
import { neededLibraries, segmentsOnly } from "./elf.ts";
import { blankLanguages } from "./icu.ts";
import type { DebianInput, NpmInput } from "./lock.ts";
import { readModuleInfo, moduleName } from "./modinfo.ts";
import { closeModules, parseModuleList } from "./module-closure.ts";
import type { ModuleClosure } from "./module-closure.ts";

/** All foreign material, opened. */
export interface FixedInputs {
  readonly debian: Readonly<Record<DebianInput["role"], PackageFiles>>;
  readonly npm: Readonly<Record<NpmInput["role"], Uint8Array>>;
  /** Text of modules.txt. */
  readonly moduleList: string;
}

/** What the large part consists of. */
export interface FixedPart {
  /** `uname -r` of the kernel. */
  readonly kernelRelease: string;
  /** Entries of the first archive. */
  readonly entries: readonly CpioEntry[];
  /** File name in the output folder -> content: kernel in two forms, iPXE programs. */
  readonly outputs: ReadonlyMap<string, Uint8Array>;
  /** Names of the kernel modules in the archive. */
  readonly modules: readonly string[];
  /** Firmware files the modules may ask for; none is in the archive. */
  readonly firmware: readonly string[];
}

/**
 * Lays out the large part.
 *
 * @param inputs - Opened packages and files.
 * @returns Entries and outputs; equal inputs give equal results.
 * @throws {@link SituationError} `package_file`, `module_missing`, `library_missing`;
 *   {@link FormatError} on malformed inputs.
 */
export function layOut(inputs: FixedInputs): FixedPart {
  const { kernel, ipxe } = inputs.debian;
  const vmlinuzPath = kernel.paths().find((path) => path.startsWith("boot/vmlinuz-"));
  const kernelRelease = vmlinuzPath?.slice("boot/vmlinuz-".length) ?? "";
  const vmlinuz = kernel.read(vmlinuzPath ?? "boot/vmlinuz-*");
  const closure = kernelModules(inputs, kernelRelease);
  return {
    kernelRelease,
    entries: [...skeleton(), ...programs(inputs), ...moduleEntries(closure)],
    outputs: new Map([
      ["vmlinuz", vmlinuz],
      ["vmlinux", unpackVmlinuz(vmlinuz)],
      ...IPXE_FILES.map((name) => [name, ipxe.read(`usr/lib/ipxe/${name}`)] as const),
    ]),
    modules: Object.keys(closure.index.modules),
    firmware: closure.firmware,
  };
}

/** Mount points, and the console the kernel opens for /init before anything is mounted. */
function skeleton(): CpioEntry[] {
  const folders = ["dev", "etc", "mnt", "proc", "root", "run", "sys", "tmp"];
  return [
    ...folders.map((path) => ({ kind: "directory", path }) as const),
    { kind: "device", path: "dev/console", major: 5, minor: 1 },
  ];
}

function programs(inputs: FixedInputs): CpioEntry[] {
  const nodejs = blankLanguages(segmentsOnly(inputs.npm.nodejs)).program;
  const natives = [
    { file: "koffi.node", name: "koffi", bytes: segmentsOnly(inputs.npm.koffi) },
    {
      file: "blake-hash.node",
      name: "@napi-rs/blake-hash",
      bytes: segmentsOnly(inputs.npm["blake-hash"]),
    },
  ];
  const libraries = LIBRARIES.map(({ role, path }) => ({
    name: basename(path),
    bytes: inputs.debian[role].read(path),
  }));
  checkLibraries([nodejs, ...natives.map(({ bytes }) => bytes)], libraries);
  return [
    { kind: "file", path: "bin/node", mode: 0o755, bytes: nodejs },
    ...libraries.map(({ name, bytes }) => {
      return { kind: "file", path: `${LIBRARY_FOLDER}/${name}`, mode: 0o755, bytes } as const;
    }),
    { kind: "symlink", path: `lib64/${LOADER}`, target: `/${LIBRARY_FOLDER}/${LOADER}` },
    ...natives.flatMap(({ file, name, bytes }): CpioEntry[] => [
      { kind: "file", path: `app/${file}`, mode: 0o755, bytes },
      // require("koffi") finds the folder, then index.node in it, without any JavaScript.
      { kind: "symlink", path: `node_modules/${name}/index.node`, target: `/app/${file}` },
    ]),
  ];
}

/**
 * Checks that every library that a program or library asks for is in the archive.
 *
 * @throws {@link SituationError} `library_missing`.
 */
function checkLibraries(
  programFiles: readonly Uint8Array[],
  libraries: readonly { readonly name: string; readonly bytes: Uint8Array }[],
): void {
  const there = new Set(libraries.map(({ name }) => name));
  const asked = [...programFiles, ...libraries.map(({ bytes }) => bytes)].flatMap(neededLibraries);
  const missing = asked.find((name) => !there.has(name));
  if (missing === undefined) return;
  throw new SituationError(
    "library_missing",
    `Cannot lay out the initramfs: library "${missing}" is asked for and not there`,
    { cure: "Add it to LIBRARIES in initramfs/fixed.ts." },
  );
}

function kernelModules(inputs: FixedInputs, kernelRelease: string): ModuleClosure {
  const { kernel } = inputs.debian;
  const paths = new Map<string, string>();
  for (const path of kernel.paths()) {
    if (/\.ko(\.[a-z0-9]+)?$/.test(path)) paths.set(moduleName(basename(path)), path);
  }
  return closeModules(parseModuleList(inputs.moduleList), {
    kernelRelease,
    load: (name) => {
      const path = paths.get(name);
      if (path === undefined) return undefined;
      const bytes = decompress(kernel.read(path), path);
      return { info: readModuleInfo(bytes), bytes };
    },
  });
}

function moduleEntries(closure: ModuleClosure): CpioEntry[] {
  const index = Buffer.from(JSON.stringify(closure.index));
  return [
    { kind: "file", path: "app/modules.json", bytes: index },
    ...[...closure.files].map(([path, bytes]) => {
      return { kind: "file", path: path.slice(1), bytes } as const;
    }),
  ];
}

/** Debian's multi-arch folder; the loader of libc6 searches it without configuration. */
const LIBRARY_FOLDER = "lib/x86_64-linux-gnu";
const LOADER = "ld-linux-x86-64.so.2";

const LIBRARIES: readonly { readonly role: DebianInput["role"]; readonly path: string }[] = [
  ...[LOADER, "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"].map(
    (name) => ({ role: "libc", path: `lib/x86_64-linux-gnu/${name}` }) as const,
  ),
  { role: "libgcc", path: "lib/x86_64-linux-gnu/libgcc_s.so.1" },
  { role: "libstdc++", path: "usr/lib/x86_64-linux-gnu/libstdc++.so.6" },
];

/**
 * Loaders that the boot server gives to firmware: for BIOS, for UEFI with the firmware's network
 * driver, for UEFI with iPXE's.
 */
const IPXE_FILES = ["undionly.kpxe", "snponly.efi", "ipxe.efi"];
