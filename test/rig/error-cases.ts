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

/** One way to fail. */
export interface ErrorCase {
  readonly command: string;
  readonly exitCode: number;
  /** What the command would write: unchanged if the exit code is 4. */
  readonly target?: string;
  readonly needsRoot?: true;
}

/** How a case ended. */
export interface ErrorRun {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
  /** False if the target is not what it was; true without one. */
  readonly isUntouched: boolean;
}

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

/** Runs a case in a copy of the folder. */
export async function runErrorCase(one: ErrorCase, start: string): Promise<ErrorRun> {
  const folder = mkdtempSync(join(start, "../case-"));
  try {
    cpSync(start, folder, { recursive: true });
    const before = digestOf(one.target, folder);
    const ended = await runShell(one.command, folder);
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
): Promise<Pick<ErrorRun, "exitCode" | "output" | "errors">> {
  const child = spawn("/bin/sh", ["-c", command], {
    cwd: folder,
    env: { PATH: `${root}:/usr/sbin:/usr/bin:/sbin:/bin`, HUCK_SOCKET: "none.sock" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { output: "", errors: "" };
  child.stdout.on("data", (piece: Buffer) => (said.output += piece.toString()));
  child.stderr.on("data", (piece: Buffer) => (said.errors += piece.toString()));
  const exitCode = await new Promise<number>((resolve) => {
    child.once("close", (code) => {
      resolve(code ?? -1);
    });
  });
  return { exitCode, ...said };
}

function digestOf(target: string | undefined, folder: string): string {
  if (target === undefined) return "";
  const path = join(folder, target);
  if (!existsSync(path)) return "nothing";
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

const SMALL_DISK = "mkdir full && mount -t tmpfs -o size=300k tmpfs full";
const READ_ONLY = "mkdir ro && mount -t tmpfs -o ro tmpfs ro";

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
    as("nothing -o new"),
    as(". -o new"),
    as("pipe -o new", 4, "mkfifo pipe; "),
    as("circle -o new", 4, "ln -s circle circle; "),
    as("disk.img -o file/new", 4, "touch file; "),
    { ...as("disk.img -o ro/new", 4, `${READ_ONLY}; `), needsRoot: true },
    { ...as("disk.img -o full/new", 1, `${SMALL_DISK}; `), needsRoot: true },
    { ...as("none -o new", 4, "mknod none b 259 9999; "), needsRoot: true },
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
  ...serves(),
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
  { command: "huck catch", exitCode: 2 },
  { command: "huck catch old.img --wait soon", exitCode: 2, target: "old.img" },
  { command: "huck catch no/new", exitCode: 4 },
  { command: "huck catch .", exitCode: 4 },
  { command: "huck catch old.img --interface none0", exitCode: 4, target: "old.img" },
  { command: "huck catch old.img --interface lo --wait 1s", exitCode: 1, target: "old.img" },
  ...REMOTE.map((command) => ({ command, exitCode: 6 })),
  { command: "huck image-load 1", exitCode: 2 },
  { command: "huck image-load -i lab -b 500 1", exitCode: 2 },
  { command: "huck image-load -i lab -t soon 1", exitCode: 2 },
  { command: "huck image-save 1", exitCode: 2 },
  { command: "huck job show 12x", exitCode: 2 },
];

/** Case O5: a store or a state folder that cannot be one. */
function serves(): ErrorCase[] {
  const server = "address: 127.0.0.1, httpPort: 40801, dhcp: { mode: off }, socket: s.sock";
  const serve = (more: string, before = ""): ErrorCase => ({
    command: `${before}echo 'server: { ${server}, ${more} }' > h.yaml; huck serve -c h.yaml`,
    exitCode: 4,
  });
  return [
    serve("store: disk.img"),
    serve("store: disk.img/x"),
    serve("state: disk.img"),
    { ...serve("store: ro/x", `${READ_ONLY}; `), needsRoot: true },
    { ...serve("state: ro/x", `${READ_ONLY}; `), needsRoot: true },
  ];
}
