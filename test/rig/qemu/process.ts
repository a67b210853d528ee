/**
 * Virtual nodes as folders: vm.json describes one, and it is switched on and off like a real one.
 *
 * To switch a node, a test or a power command of the server under test needs only its folder. The
 * process id is kept together with the start time of the process, so a process that got the same id
 * later is never killed. A power cut is SIGKILL to QEMU.
 */
import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { codeOf } from "../../../shared/core/errors.ts";
import {
  OVMF_VARIABLES,
  accelerationWords,
  chooseAcceleration,
  qemuCommand,
} from "./command-line.ts";
import type { Acceleration, VmDescription, VmFiles } from "./command-line.ts";

/** Between two looks at a process that was killed. Unit: milliseconds. */
const LOOK_EVERY_MS = 20;
/** A killed process must be gone by then. Unit: milliseconds. */
const GONE_WITHIN_MS = 10_000;
/** A kernel under real KVM prints its first line in one second. Unit: milliseconds. */
const PROBE_MS = 10_000;

/**
 * Writes the description of a virtual node, or writes it anew.
 *
 * @param folder - Its folder, which exists.
 * @param vm - What it is made of, from the next time it is switched on.
 */
export function describeVm(folder: string, vm: VmDescription): void {
  writeFileSync(join(folder, "vm.json"), JSON.stringify(vm, null, 2));
}

/**
 * Gives the places of a node's files.
 *
 * @param folder - Its folder.
 * @returns Absolute paths.
 */
export function vmFiles(folder: string): VmFiles {
  return {
    serial: join(folder, "serial.log"),
    monitor: join(folder, "monitor"),
    variables: join(folder, "variables.fd"),
  };
}

/**
 * Switches a node on; one that is on stays on.
 *
 * @param folder - Its folder.
 * @throws Error with QEMU's message if it ends at once.
 */
export function switchOn(folder: string): void {
  if (isOn(folder)) return;
  const vm = JSON.parse(readFileSync(join(folder, "vm.json"), "utf8")) as VmDescription;
  const files = vmFiles(folder);
  if (vm.firmware === "uefi" && !existsSync(files.variables)) {
    copyFileSync(OVMF_VARIABLES, files.variables);
  }
  rmSync(files.monitor, { force: true });
  const [program = "", ...args] = qemuCommand(vm, files);
  const log = openSync(join(folder, "qemu.log"), "a");
  try {
    const child = spawn(program, args, { detached: true, stdio: ["ignore", log, log] });
    child.unref();
    const started = child.pid === undefined ? undefined : startOf(child.pid);
    writeFileSync(pidFile(folder), `${child.pid ?? 0} ${started ?? 0}\n`);
  } finally {
    closeSync(log);
  }
}

/**
 * Cuts a node's power.
 *
 * @param folder - Its folder.
 * @throws Error if the process does not end.
 */
export function switchOff(folder: string): void {
  const pid = runningPid(folder);
  if (pid === undefined) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch (thrown) {
    if (codeOf(thrown) !== "ESRCH") throw thrown;
  }
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const until = performance.now() + GONE_WITHIN_MS;
  while (isOn(folder)) {
    if (performance.now() > until) throw new Error(`process ${pid} does not end`);
    Atomics.wait(pause, 0, 0, LOOK_EVERY_MS);
  }
}

/**
 * Tells whether a node is on.
 *
 * @param folder - Its folder.
 * @returns True while its QEMU runs.
 */
export function isOn(folder: string): boolean {
  return runningPid(folder) !== undefined;
}

/**
 * Presses the power button, which asks a running system to shut down.
 *
 * @param folder - Folder of a node that is on.
 */
export async function pressPowerButton(folder: string): Promise<void> {
  const line = connect(vmFiles(folder).monitor);
  try {
    await new Promise<void>((resolve, reject) => {
      line.once("error", reject);
      line.once("close", resolve); // the system went off meanwhile
      line.once("connect", () => {
        line.write('{"execute":"qmp_capabilities"}\n{"execute":"system_powerdown"}\n');
      });
      let answers = "";
      line.on("data", (bytes: Buffer) => {
        answers += bytes.toString();
        if (answers.split('"return"').length > 2) resolve();
      });
    });
  } finally {
    line.destroy();
  }
}

/**
 * Chooses how instructions are run on this computer.
 *
 * @param kernel - A bzImage to try KVM with, if the computer seems to have KVM.
 * @returns The choice.
 */
export function acceleration(kernel: string): Acceleration {
  return chooseAcceleration(readdirSync("/sys/module"), () => {
    const words = ["-nographic", "-no-reboot", "-m", "256M", "-kernel", kernel];
    const all = [...accelerationWords("kvm"), ...words, "-append", "console=ttyS0 panic=-1"];
    const options = { encoding: "utf8", timeout: PROBE_MS, killSignal: "SIGKILL" } as const;
    return spawnSync("qemu-system-x86_64", all, options).stdout.includes("Linux version");
  });
}

function pidFile(folder: string): string {
  return join(folder, "pid");
}

function runningPid(folder: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(pidFile(folder), "utf8");
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return undefined;
    throw thrown;
  }
  const [pid = 0, started = 0] = text.trim().split(" ").map(Number);
  return pid > 0 && startOf(pid) === started ? pid : undefined;
}

/**
 * Gives the start time of a process in clock ticks; undefined if it has ended. See proc(5), field
 * 22.
 *
 * @throws A system error, except the one that there is no such process.
 */
function startOf(pid: number): number | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT" || codeOf(thrown) === "ESRCH") return undefined;
    throw thrown;
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? undefined : Number(fields[19]);
}
