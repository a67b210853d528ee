/**
 * Makes a test disk: root tree -> ext4 -> disk with tables and boot code.
 *
 * Every file system is filled while it is made (mke2fs -d, mcopy), so nothing is mounted and no
 * loop device is needed. debootstrap mounts /proc in its chroot, so it runs in a mount namespace of
 * its own. Only the Debian kind needs root. Folders under the system's temporary folder are removed
 * at the end; the cache keeps downloads and finished root trees.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openDeb } from "../../../initramfs/deb.ts";
import { packArchive } from "../../../initramfs/fixed-cache.ts";
import { inputOf, parseLock } from "../../../initramfs/lock.ts";
import type { DebianInput } from "../../../initramfs/lock.ts";
import { debianMirrors, fetchPinned } from "../../../initramfs/mirror.ts";
import { SituationError } from "../../../shared/core/errors.ts";
import { bootCode } from "./boot-code.ts";
import * as debian from "./debian.ts";
import { ESP_SERIAL, ROOT_LABEL, ROOT_UUID, layOutDisk, sfdiskScript } from "./layout.ts";
import type { DiskLayout, TableKind } from "./layout.ts";
import { tinySystem } from "./tiny.ts";

/** What disk to make. */
export interface TestOsRequest {
  /**
   * `tiny`: kernel and busybox, made in seconds. `debian`: with systemd, takes minutes the first
   * time.
   */
  readonly kind: "tiny" | "debian";
  readonly table: TableKind;
  /** Disk file to write; an existing one is replaced at the end, in one step. */
  readonly out: string;
  /** Unit: MiB. */
  readonly sizeMib: number;
  /** Text in the marker: letters, digits, `.`, `_`, `-`. */
  readonly id: string;
  /** Folder for downloads and root trees; shared with the boot files' build. */
  readonly cache: string;
}

const root = join(import.meta.dirname, "../../..");
/** 2023-11-14T22:13:20Z: the time of everything on the disk. Unit: seconds since 1970. */
const EPOCH = "1700000000";
const ENVIRONMENT = {
  ...process.env,
  LC_ALL: "C",
  DEBIAN_FRONTEND: "noninteractive",
  SOURCE_DATE_EPOCH: EPOCH,
  E2FSPROGS_FAKE_TIME: EPOCH,
  MTOOLS_SKIP_CHECK: "1",
};
/**
 * A program is killed after this time; debootstrap over a slow line takes longest. Unit:
 * milliseconds.
 */
const RUN_MS_MAX = 1_800_000;
const GRUB_FOLDER = "/usr/lib/grub";
const BUSYBOX = "/bin/busybox";
const TINY_ZSTD_LEVEL = 9;

/**
 * Makes a test disk.
 *
 * @throws {@link SituationError} `program_failed`, `disk_too_small`, and those of downloads.
 */
export async function makeTestOs(request: TestOsRequest): Promise<void> {
  const layout = layOutDisk(request.table, request.sizeMib);
  const work = mkdtempSync(join(tmpdir(), "huck-test-os-"));
  try {
    const tree = join(work, "root");
    mkdirSync(tree, { mode: 0o755 });
    const kernel = await fetchKernel(request.cache);
    if (request.kind === "tiny") plantTiny(tree, kernel);
    else plantDebian(tree, kernel, request.cache);
    personalise(tree, request);
    makeDisk(join(work, "disk"), tree, layout);
    mkdirSync(dirname(request.out), { recursive: true });
    run("cp", ["--sparse=always", join(work, "disk"), `${request.out}.draft`]);
    renameSync(`${request.out}.draft`, request.out);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface Kernel {
  readonly input: DebianInput;
  readonly bytes: Uint8Array;
}

async function fetchKernel(cache: string): Promise<Kernel> {
  const lock = parseLock(readFileSync(join(root, "initramfs/inputs.lock"), "utf8"));
  const input = inputOf(lock.debian, "kernel");
  const mirrors = debianMirrors(process.env["HUCK_DEBIAN_MIRROR"]);
  return { input, bytes: await fetchPinned(input, mirrors, join(cache, "downloads")) };
}

function plantTiny(tree: string, { input, bytes }: Kernel): void {
  const system = tinySystem(
    openDeb(bytes, `${input.package} ${input.version}`),
    readFileSync(BUSYBOX),
  );
  for (const folder of ["bin", "boot", "dev", "etc", "proc", "sys", "var"]) {
    mkdirSync(join(tree, folder));
  }
  for (const { path, bytes: content, mode } of system.files) {
    writeFileSync(join(tree, path), content, { mode });
  }
  for (const name of system.applets) symlinkSync("busybox", join(tree, "bin", name));
  const archive = packArchive(system.initramfs, TINY_ZSTD_LEVEL);
  writeFileSync(join(tree, `boot/initrd.img-${system.kernelRelease}`), archive);
}

function plantDebian(tree: string, kernel: Kernel, cache: string): void {
  const folder = join(cache, "test-os");
  const kept = join(folder, `root-${debian.rootKey(kernel.input.sha256)}.tar.zst`);
  if (!existsSync(kept)) {
    mkdirSync(folder, { recursive: true });
    installDebian(tree, kernel);
    const draft = `${kept}.${process.pid}`;
    run("tar", ["-C", tree, "--exclude=./dev/*", "-I", "zstd -3", "-cpf", draft, "."]);
    renameSync(draft, kept);
    return;
  }
  run("tar", ["-C", tree, "-I", "zstd", "-xpf", kept]);
}

function installDebian(tree: string, kernel: Kernel): void {
  const [mirror = ""] = debianMirrors(process.env["HUCK_DEBIAN_MIRROR"]);
  const include = `--include=${debian.PACKAGES.join(",")}`;
  run("unshare", [
    ...["--mount", "debootstrap", "--variant=minbase", include],
    ...[debian.SUITE, tree, mirror],
  ]);
  writeTexts(tree, debian.FILES_BEFORE_KERNEL, 0o644);
  const deb = "var/tmp/kernel.deb";
  writeFileSync(join(tree, deb), kernel.bytes);
  run("chroot", [tree, "dpkg", "--install", `/${deb}`]);
  rmSync(join(tree, deb));
  writeTexts(tree, debian.FILES_AFTER_KERNEL, 0o644);
  writeTexts(tree, debian.PROGRAMS, 0o755);
  run("chroot", [tree, "systemctl", "--quiet", "enable", ...debian.SERVICES]);
  for (const path of debian.NEEDLESS) rmSync(join(tree, path), { recursive: true, force: true });
  // systemd copies this file into an empty /etc/machine-id: all copies would share one id.
  rmSync(join(tree, "var/lib/dbus/machine-id"), { force: true });
  writeFileSync(join(tree, "etc/machine-id"), "");
}

function writeTexts(tree: string, files: Readonly<Record<string, string>>, mode: number): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
    chmodSync(join(tree, path), mode);
  }
}

function personalise(tree: string, request: TestOsRequest): void {
  writeFileSync(join(tree, "etc/testos-id"), `${request.id}\n`);
  const release = firstIn(tree, "vmlinuz-");
  const words =
    "console=tty0 console=ttyS0,115200 net.ifnames=0 quiet panic=10 systemd.getty_auto=no";
  mkdirSync(join(tree, "boot/grub"), { recursive: true });
  const menu = `serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
set timeout=0
menuentry testos {
  search --no-floppy --label --set=root ${ROOT_LABEL}
  linux /boot/vmlinuz-${release} root=LABEL=${ROOT_LABEL} rw ${words}
  initrd /boot/initrd.img-${release}
}
`;
  writeFileSync(join(tree, "boot/grub/grub.cfg"), menu);
  run("find", [tree, "-newermt", `@${EPOCH}`, "-exec", "touch", "-hd", `@${EPOCH}`, "{}", "+"]);
}

function firstIn(tree: string, prefix: string): string {
  const found = run("find", [join(tree, "boot"), "-name", `${prefix}*`, "-printf", "%f\n"]);
  return found.split("\n")[0]?.slice(prefix.length) ?? "";
}

function makeDisk(disk: string, tree: string, layout: DiskLayout): void {
  const emptyFile = (path: string, sizeMib: number): void => {
    writeFileSync(path, "");
    truncateSync(path, sizeMib * 1024 * 1024);
  };
  emptyFile(disk, layout.sizeMib);
  run("sfdisk", ["--quiet", disk], sfdiskScript(layout));
  const rootFs = `${disk}.ext4`;
  emptyFile(rootFs, layout.rootSizeMib);
  const extended = `hash_seed=${ROOT_UUID},root_owner=0:0`;
  run("mke2fs", [
    ...["-q", "-t", "ext4", "-L", ROOT_LABEL, "-U", ROOT_UUID, "-E", extended],
    ...["-m", "0", "-d", tree, rootFs],
  ]);
  copyInto(disk, rootFs, layout.rootStartMib);
  if (layout.esp !== undefined) {
    const esp = `${disk}.esp`;
    emptyFile(esp, layout.esp.sizeMib);
    makeEsp(esp);
    copyInto(disk, esp, layout.esp.startMib);
  }
  writeBootCode(disk, layout);
}

function copyInto(disk: string, part: string, atMib: number): void {
  run("dd", [
    ...[`if=${part}`, `of=${disk}`, "bs=1M", `seek=${atMib}`],
    ...["conv=notrunc,sparse", "status=none"],
  ]);
}

/**
 * Makes one GRUB program with all modules inside, which finds the root file system by its label.
 */
function makeEsp(esp: string): void {
  run("mkfs.fat", ["--invariant", "-n", "ESP", "-i", ESP_SERIAL, esp]);
  const config = `${esp}.cfg`;
  const program = `${esp}.efi`;
  writeFileSync(
    config,
    `search --no-floppy --label --set=root ${ROOT_LABEL}
set prefix=($root)/boot/grub
configfile $prefix/grub.cfg
`,
  );
  const modules = [...GRUB_MODULES, "fat", "search_fs_uuid", "all_video", "efi_gop", "boot"];
  run("grub-mkimage", [
    ...["-O", "x86_64-efi", "-o", program, "-c", config, "-p", "/EFI/BOOT"],
    ...modules,
  ]);
  run("mmd", ["-i", esp, "::/EFI", "::/EFI/BOOT"]);
  run("mcopy", ["-i", esp, program, "::/EFI/BOOT/BOOTX64.EFI"]);
}

function writeBootCode(disk: string, layout: DiskLayout): void {
  const image = `${disk}.core`;
  run("grub-mkimage", [
    ...["-O", "i386-pc", "-o", image, "-p", layout.grubPrefix, "biosdisk"],
    ...GRUB_MODULES,
  ]);
  const boot = readFileSync(join(GRUB_FOLDER, "i386-pc/boot.img"));
  const file = openSync(disk, "r+");
  try {
    for (const { offset, bytes } of bootCode(boot, readFileSync(image), layout)) {
      writeSync(file, bytes, 0, bytes.length, offset);
    }
  } finally {
    closeSync(file);
  }
}

const GRUB_MODULES = [
  ...["part_gpt", "part_msdos", "ext2", "search", "search_label", "normal", "linux"],
  ...["serial", "terminal", "configfile", "echo"],
];

/**
 * Runs a program to its end.
 *
 * @throws {@link SituationError} `program_failed` with the last lines it printed.
 */
function run(program: string, args: readonly string[], input = ""): string {
  const done = spawnSync(program, args, {
    input,
    encoding: "utf8",
    env: ENVIRONMENT,
    timeout: RUN_MS_MAX,
    maxBuffer: 64 << 20,
  });
  if (done.status === 0) return done.stdout;
  const said = done.error?.message ?? `${done.stdout}${done.stderr}`.trim().slice(-500);
  throw new SituationError("program_failed", `Cannot make the test disk: ${program}: ${said}`, {
    cure: 'Run "scripts/bootstrap demo initramfs test e2e" as root; it installs the programs.',
    cause: done.error,
  });
}
