/**
 * What a test with virtual nodes needs: boot files, test disks, a lab, nodes, and their removal.
 *
 * A stage has one folder, whose name contains the process id of the test. If a test was killed, the
 * next stage ends what it left (a QEMU, a namespace). What takes long to make is made once and kept
 * in build/cache under a digest of its inputs. HUCK_KEEP=1 keeps the folder of a stage for a look
 * at it.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab, labProblem } from "./network-lab.ts";
import type { VmDescription, VmDisk } from "./qemu/command-line.ts";
import { acceleration, switchOff } from "./qemu/process.ts";
import { Vm, phaseTable } from "./qemu/vm.ts";
import type { PhaseTime } from "./qemu/vm.ts";
import { makeTestOs } from "./test-os/make.ts";
import type { TestOsRequest } from "./test-os/make.ts";
import { LabServer, root } from "./huck-server.ts";
import type { NodeSettings, ServerSettings } from "./huck-server.ts";

const cache = join(root, "build/cache");
const PREFIX = "huck-e2e-";
/** Longest build of the boot files; the first one fetches 110 MB. Unit: milliseconds. */
const BUILD_MS_MAX = 1_200_000;
const MIB = 1024 * 1024;

/**
 * Says why virtual nodes cannot run here.
 *
 * @returns The reason, or undefined if everything is there.
 */
export function stageProblem(): string | undefined {
  const programs = ["qemu-system-x86_64", "mke2fs", "mkfs.fat", "mmd", "sfdisk", "grub-mkimage"];
  const problem = labProblem(...programs, "debootstrap", "busybox", "zstd");
  if (problem !== undefined) return problem;
  return existsSync("/dev/net/tun") ? undefined : "no /dev/net/tun here";
}

/** Prints conspicuously why tests are skipped. */
export function sayWhySkipped(what: string, problem: string | undefined): void {
  if (problem === undefined) return;
  process.stderr.write(
    `\n*** ${what} SKIPPED: ${problem} ***\n*** scripts/bootstrap e2e helps ***\n`,
  );
}

/** A virtual node that is to be made. */
export interface NodePlan {
  readonly name: string;
  /** Last byte of its MAC and of its address. */
  readonly number: number;
  readonly firmware: VmDescription["firmware"];
  readonly controller: VmDisk["controller"];
  readonly diskMib: number;
  readonly memoryMib: number;
  /** False if the server does not know it. */
  readonly isInInventory?: false;
}

/** One virtual node, its disk and how to change its boot source. */
export interface StageNode {
  readonly vm: Vm;
  /** Empties its disk; the node must be off. */
  erase(): void;
  /** Sets its boot source from the next time it is switched on. */
  bootsFrom(boot: VmDescription["boot"]): void;
}

/** Lab, server and virtual nodes of one test file. The caller closes it. */
export class Stage {
  readonly name: string;
  readonly folder: string;
  readonly lab: Lab;
  /** All phases that were waited for. */
  readonly times: PhaseTime[] = [];
  readonly #nodes = new Map<string, StageNode>();
  readonly #inventory: NodeSettings[] = [];
  readonly #servers: LabServer[] = [];

  /** @param name - Letters; the file with the results has this name too. */
  constructor(name: string) {
    sweep();
    this.name = name;
    this.folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
    this.lab = new Lab(name.slice(0, 4));
  }

  /** Builds the boot files, which takes seconds if nothing has changed. */
  buildBootFiles(): void {
    const script = join(root, "initramfs/build.ts");
    execFileSync(process.execPath, [script], { stdio: "pipe", timeout: BUILD_MS_MAX });
  }

  /** Adds a virtual node, switched off, with an empty disk. */
  add(plan: NodePlan): StageNode {
    const { name, number, diskMib } = plan;
    const folder = join(this.folder, "nodes", name);
    mkdirSync(folder, { recursive: true });
    const disk = join(folder, "disk");
    const erase = (): void => {
      writeFileSync(disk, "");
      truncateSync(disk, diskMib * MIB);
    };
    erase();
    const tap = `tap${number}`;
    this.lab.tap(tap);
    const mac = `52:54:00:77:00:${number.toString(16).padStart(2, "0")}`;
    const describe = (boot: VmDescription["boot"]): VmDescription => ({
      namespace: this.lab.namespace,
      tap,
      mac,
      firmware: plan.firmware,
      card: "e1000e",
      disks: [{ file: disk, controller: plan.controller, serial: `HUCK-${name}` }],
      boot,
      memoryMib: plan.memoryMib,
      acceleration: acceleration(join(root, "build/boot/vmlinuz")),
    });
    const vm = new Vm(name, folder, describe("network"), this.times);
    const node: StageNode = {
      vm,
      erase,
      bootsFrom: (boot) => {
        vm.describe(describe(boot));
      },
    };
    this.#nodes.set(name, node);
    if (plan.isInInventory !== false) {
      this.#inventory.push({ name, macs: [mac], address: `10.77.0.${number}` });
    }
    return node;
  }

  /** Starts a server that knows and switches the nodes that were added so far. */
  async serve(settings: Partial<ServerSettings> = {}): Promise<LabServer> {
    const switcher = `'${process.execPath}' '${join(root, "test/rig/qemu.ts")}'`;
    const folder = `'${join(this.folder, "nodes")}'/"$NODE"`;
    const server = new LabServer(this.lab, join(this.folder, "server"), {
      nodes: [...this.#inventory, ...(settings.nodes ?? [])],
      server: { rateMbit: RATE_MBIT, ...settings.server },
      defaults: {
        kernelArguments: ["console=ttyS0,115200", "panic=-1", "quiet"],
        power: {
          driver: "command",
          on: `${switcher} on ${folder}`,
          off: `${switcher} off ${folder}`,
          state: `${switcher} state ${folder}`,
          timeoutSeconds: 120,
        },
        ...settings.defaults,
      },
    });
    this.#servers.push(server);
    await server.start();
    return server;
  }

  /**
   * Gives a bootable test disk.
   *
   * @param kind - See test/rig/test-os.ts.
   * @param sizeMib - Whole disk. Unit: MiB.
   * @param id - Text of its marker.
   * @returns The disk file; read-only.
   */
  async testDisk(kind: TestOsRequest["kind"], sizeMib: number, id: string): Promise<string> {
    const key = createHash("sha256").update(JSON.stringify([kind, sizeMib, id]));
    for (const folder of ["test/rig/test-os", "initramfs"]) {
      for (const name of readdirSync(join(root, folder)).sort()) {
        if (folder === "test/rig/test-os" || name === "inputs.lock") {
          key.update(readFileSync(join(root, folder, name)));
        }
      }
    }
    const name = `${kind}-${key.digest("hex").slice(0, 16)}.img`;
    const out = join(cache, "test-os", name);
    if (!existsSync(out)) await makeTestOs({ kind, table: "gpt", out, sizeMib, id, cache });
    return out;
  }

  /** Writes the times of all phases to build/test-results and returns them as text. */
  report(): string {
    const table = phaseTable(this.times);
    const folder = join(root, "build/test-results");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${this.name}-phases.txt`), table);
    return table;
  }

  /** Switches everything off and removes it. */
  async close(): Promise<void> {
    const table = this.report();
    if (table !== "") process.stderr.write(`\n${table}`);
    for (const { vm } of this.#nodes.values()) vm.off();
    for (const server of this.#servers) await server.stop();
    await this.lab.close();
    if (process.env["HUCK_KEEP"] === undefined) rmSync(this.folder, { recursive: true });
    else process.stderr.write(`kept: ${this.folder}\n`);
  }
}

/**
 * A guest without KVM receives some 40 Mbit/s; with a cap, tests do not depend on the rate that is
 * found.
 */
const RATE_MBIT = 60;

/** Ends the virtual nodes of tests that have ended. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(PREFIX) ? name.slice(PREFIX.length).split("-")[0] : undefined;
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    const nodes = join(tmpdir(), name, "nodes");
    for (const node of existsSync(nodes) ? readdirSync(nodes) : []) switchOff(join(nodes, node));
    if (process.env["HUCK_KEEP"] === undefined) {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    }
  }
}
