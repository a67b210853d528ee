/**
 * Every verb with its ways to fail: a command of the shell, and the exit code that is true then.
 *
 * Each case runs in a fresh folder with disk.img, another disk old.img, and images made of
 * disk.img: lab.huck, torn.huck (cut short) and bad.huck (one byte changed).
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { root } from "./huck-server.ts";
import { gptDisk, savedBytes } from "./image-fixtures.ts";
import { AS_NOBODY, READ_ONLY } from "./error-case.ts";
import type { ErrorCase, ErrorRun } from "./error-case.ts";
import { ASKING_ERROR_CASES, SERVE_ERROR_CASES } from "./server-error-cases.ts";

/** Makes the folder that every case starts from. */
export async function makeErrorFolder(parent: string): Promise<string> {
  const folder = join(parent, "start");
  const image = await savedBytes(gptDisk());
  mkdirSync(folder);
  writeFileSync(join(folder, "disk.img"), gptDisk());
  writeFileSync(join(folder, "old.img"), new Uint8Array(8 << 20).fill(5));
  writeFileSync(join(folder, "small.img"), new Uint8Array(1 << 20).fill(5));
  writeFileSync(join(folder, "lab.huck"), image);
  writeFileSync(join(folder, "torn.huck"), image.subarray(0, image.length - 1000));
  const bad = image.slice();
  bad[5000] = (bad[5000] ?? 0) ^ 1;
  writeFileSync(join(folder, "bad.huck"), bad);
  writeFileSync(join(folder, "wrong.yaml"), "server: 7\n");
  return folder;
}

/**
 * Runs a case in a copy of the folder.
 *
 * @param lab - Folder of the server, for cases that ask one.
 */
export async function runErrorCase(one: ErrorCase, start: string, lab = ""): Promise<ErrorRun> {
  const folder = mkdtempSync(join(start, "../case-"));
  try {
    cpSync(start, folder, { recursive: true });
    const before = digestOf(one.target, folder);
    const ended = await runShell(one.command, folder, lab);
    const isUntouched = one.target === undefined || before === digestOf(one.target, folder);
    return { ...ended, isUntouched };
  } finally {
    for (const mount of one.needsRoot === true ? ["ro", "full"] : [])
      spawnSync("umount", [join(folder, mount)]);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runShell(
  command: string,
  folder: string,
  lab: string,
): Promise<Pick<ErrorRun, "exitCode" | "output" | "errors">> {
  const child = spawn("/bin/sh", ["-c", command], {
    cwd: folder,
    env: {
      PATH: `${root}:/usr/sbin:/usr/bin:/sbin:/bin`,
      HUCK_SOCKET: lab === "" ? "none.sock" : join(lab, "huck.sock"),
      LAB: lab,
      NODE: process.execPath,
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a group of its own, so that a shell's children end with it
  });
  const timer = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  }, CASE_MS_MAX);
  const said = { output: "", errors: "" };
  child.stdout.on("data", (piece: Buffer) => (said.output += piece.toString()));
  child.stderr.on("data", (piece: Buffer) => (said.errors += piece.toString()));
  const exitCode = await new Promise<number>((resolve) => {
    child.once("close", (code) => {
      resolve(code ?? -1);
    });
  });
  clearTimeout(timer);
  return { exitCode, ...said };
}

/** A verb that goes on instead of failing is ended then. */
const CASE_MS_MAX = 40_000;

function digestOf(target: string | undefined, folder: string): string {
  if (target === undefined) return "";
  const path = join(folder, target);
  if (!existsSync(path)) return "nothing";
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

const SMALL_DISK = "mkdir full && mount -t tmpfs -o size=300k tmpfs full";

const FILE_SYSTEM = "truncate -s 8M fs.img; mke2fs -q -F -t ext4 fs.img";
const MOUNTED = `${FILE_SYSTEM}; mkdir ro; mount -o loop fs.img ro`;
const DIRTY = `${FILE_SYSTEM}; debugfs -w -R 'feature needs_recovery' fs.img 2>/dev/null`;

function onLoop(options: string, command: string, exitCode: number): ErrorCase {
  const attach = `L=$(losetup -f --show ${options})`;
  return {
    command: `${attach}; ${command}; code=$?; losetup -d "$L"; exit $code`,
    ...{ exitCode, target: "old.img", needsRoot: true },
  };
}

function restores(): ErrorCase[] {
  const onto = (words: string, exitCode = 4, before = ""): ErrorCase => ({
    command: `${before}huck image restore ${words}`,
    exitCode,
    target: "old.img",
  });
  return [
    onto("", 2),
    onto("lab", 2),
    onto("lab old.img --verify some", 2),
    onto("lab old.img --codec none", 2),
    onto("lab old.img"),
    onto("lab old.img --erase other"),
    onto("torn old.img --erase old.img"),
    onto("bad old.img --erase old.img"),
    onto("nothing old.img --erase old.img"),
    onto("old.img old.img --erase old.img"),
    { ...onto("old.img lab.huck --erase lab.huck"), target: "lab.huck" },
    onto("./words old.img --erase old.img", 4, "echo words > words; "),
    onto("./empty old.img --erase old.img", 4, ": > empty; "),
    { ...onto("lab small.img --erase small.img"), target: "small.img" },
    { ...onto("lab no/new.img"), target: "no/new.img" },
    { ...onto("lab file/new.img", 4, "touch file; "), target: "file/new.img" },
    { ...onto("lab .", 4), target: "old.img" },
    { ...onto("lab pipe", 4, "mkfifo pipe; "), target: "old.img" },
    { ...onto("lab link", 4, "ln -s nowhere link; "), target: "nowhere" },
    { ...onto("lab circle", 4, "ln -s circle circle; "), target: "old.img" },
    { ...onto("lab ro/new.img", 4, `${READ_ONLY}; `), needsRoot: true },
    {
      ...onto("lab full/new.img", 1, `${SMALL_DISK}; `),
      target: "full/new.img",
      needsRoot: true,
    },
    {
      ...onto("lab none", 4, "mknod none b 259 9999; "),
      needsRoot: true,
    },
    { ...onto("lab lab.huck --erase lab.huck"), target: "lab.huck" },
    {
      ...onto("lab new.img", 4, "flock new.img.huck-part sleep 9 & sleep 0.3; "),
      target: "new.img",
    },
    {
      command: `chmod 777 .; ${AS_NOBODY} huck image restore lab old.img --erase old.img`,
      ...{ exitCode: 4, target: "old.img", needsRoot: true },
    },
    { ...onto("lab fs.img --erase fs.img", 4, `${MOUNTED}; `), target: "old.img", needsRoot: true },
    onLoop("-b 4096 old.img", 'huck image restore lab "$L" --erase "$L"', 4),
    {
      command:
        `${MOUNTED}; L=$(losetup -f --show fs.img); huck image restore lab "$L" --erase "$L"; ` +
        'code=$?; losetup -d "$L"; exit $code',
      ...{ exitCode: 4, needsRoot: true },
    },
  ];
}

function saves(): ErrorCase[] {
  const as = (words: string, exitCode = 4, before = ""): ErrorCase => ({
    command: `${before}huck image save ${words}`,
    exitCode,
    target: "lab.huck",
  });
  return [
    as("", 2),
    as("disk.img", 2),
    as("disk.img -o new --level 20", 2),
    as("disk.img -o 'a b'", 2),
    as("disk.img -o lab"),
    as("lab -o disk.img"),
    as("lab.huck -o new"),
    as("nothing -o new"),
    as(". -o new"),
    as("pipe -o new", 4, "mkfifo pipe; "),
    as("circle -o new", 4, "ln -s circle circle; "),
    as("disk.img -o file/new", 4, "touch file; "),
    { ...as("disk.img -o ro/new", 4, `${READ_ONLY}; `), needsRoot: true },
    { ...as("disk.img -o full/new", 1, `${SMALL_DISK}; `), needsRoot: true },
    { ...as("none -o new", 4, "mknod none b 259 9999; "), needsRoot: true },
    as("fs.img -o new", 4, `${DIRTY}; `),
    as("empty -o new", 4, ": > empty; "),
    as("disk.img -o new --codec other", 2),
    as("disk.img -o new --sector-bytes 1024", 2),
    { ...as("fs.img -o new", 4, `${MOUNTED}; `), needsRoot: true },
    {
      command: `chmod 777 .; chmod 600 disk.img; ${AS_NOBODY} huck image save disk.img -o new`,
      ...{ exitCode: 4, needsRoot: true },
    },
    onLoop("disk.img", 'huck image save "$L" -o new --sector-bytes 4096', 2),
  ];
}

const REMOTE = [
  "huck nodes",
  "huck status",
  "huck image list",
  "huck image trash lab",
  `huck job show ${"0".repeat(32)}`,
  `huck job abort ${"0".repeat(32)}`,
  "huck image-load -i lab 1",
  "huck image-save -o new 1",
];

/** All cases. */
export const ERROR_CASES: readonly ErrorCase[] = [
  { command: "huck nonsense", exitCode: 2 },
  { command: "huck image nonsense", exitCode: 2 },
  { command: "huck nodes --nonsense", exitCode: 2 },
  { command: "touch file; huck init file/lab", exitCode: 4 },
  { command: "mkdir lab; cp wrong.yaml lab/huck.yaml; huck init lab", exitCode: 2 },
  { command: "huck serve -c none.yaml", exitCode: 2 },
  { command: "huck serve -c wrong.yaml", exitCode: 2 },
  { command: ": > h.yaml; huck serve -c h.yaml", exitCode: 2 },
  { command: "echo '- server' > h.yaml; huck serve -c h.yaml", exitCode: 2 },
  {
    command: "printf 'server: {}\\n---\\nserver: {}\\n' > h.yaml; huck serve -c h.yaml",
    exitCode: 2,
  },
  { command: "echo 'server: *none' > h.yaml; huck serve -c h.yaml", exitCode: 2 },
  { command: `echo '${"[".repeat(200)}' > h.yaml; huck serve -c h.yaml`, exitCode: 2 },
  ...SERVE_ERROR_CASES,
  { command: "huck image files --store disk.img", exitCode: 4 },
  { command: "huck image info nothing", exitCode: 4 },
  { command: "huck image info torn", exitCode: 4 },
  { command: "huck image info disk.img", exitCode: 4 },
  { command: "mkdir folder.huck; huck image info folder", exitCode: 4 },
  { command: "huck image verify nothing", exitCode: 4 },
  { command: "huck image verify torn", exitCode: 4 },
  { command: "huck image verify bad", exitCode: 1 },
  ...saves(),
  ...restores(),
  { command: "huck cast", exitCode: 2 },
  { command: "huck cast disk.img --rate 1", exitCode: 2 },
  { command: "huck cast nothing", exitCode: 4 },
  { command: "huck cast .", exitCode: 4 },
  { command: "huck cast disk.img --interface none0", exitCode: 4 },
  { command: "huck cast disk.img --group 10.0.0.1", exitCode: 2 },
  {
    command: "unshare --net huck cast disk.img --min-receivers 1",
    exitCode: 4,
    needsRoot: true,
  },
  { command: "huck cast disk.img --interface lo --max-wait 1s --wait 0s", exitCode: 1 },
  {
    command:
      `${SMALL_DISK}; unshare --net sh -c 'ip link set lo up; huck catch got --interface lo & ` +
      "sleep 3; head -c 64000000 /dev/urandom | TMPDIR=full huck cast - --interface lo " +
      "--min-receivers 1'",
    exitCode: 1,
    needsRoot: true,
  },
  {
    command:
      `${SMALL_DISK}; unshare --net sh -c 'ip link set lo up; huck cast disk.img --interface lo ` +
      "--min-receivers 1 & huck catch full/new --interface lo'",
    ...{ exitCode: 1, target: "full/new", needsRoot: true },
  },
  { command: "huck catch", exitCode: 2 },
  {
    command: "flock caught.huck-part sleep 9 & sleep 0.3; huck catch caught",
    ...{ exitCode: 4, target: "old.img" },
  },
  { command: "huck catch old.img --wait soon", exitCode: 2, target: "old.img" },
  { command: "huck catch no/new", exitCode: 4 },
  { command: "huck catch .", exitCode: 4 },
  { command: "huck catch caught --interface none0", exitCode: 4, target: "old.img" },
  { command: "huck catch old.img --wait 1s", exitCode: 4, target: "old.img" },
  { command: "huck catch caught --interface lo --wait 1s", exitCode: 1, target: "old.img" },
  ...REMOTE.map((command) => ({ command, exitCode: 6 })),
  { command: "huck image-load 1", exitCode: 2 },
  { command: "huck image-load -i lab -b 500 1", exitCode: 2 },
  { command: "huck image-load -i lab -t soon 1", exitCode: 2 },
  { command: "huck image-save 1", exitCode: 2 },
  { command: "huck job show 12x", exitCode: 2 },
  ...ASKING_ERROR_CASES,
];
