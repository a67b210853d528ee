/**
 * A lab network for boot tests: namespaces joined by a bridge, our server in the first of them.
 *
 * The server's namespace holds the bridge "lab" with 10.77.0.1/24; hosts are namespaces with a veth
 * "eth0" on it, and taps for QEMU hang on the same bridge. Every name carries this process's id,
 * every process started is ended by its handle. Needs root; {@link labProblem} says why it cannot
 * be had.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { BootEvent } from "../../server/boot/progress.ts";
import type { PlainSnapshot } from "./boot-server.ts";

/** Longest start of the boot server: one second on an idle computer. */
const START_MS = 80_000;

/** One line of the boot server. */
export interface ServerLine {
  readonly ready?: boolean;
  readonly event?: BootEvent;
  readonly grant?: { readonly node: string; readonly mac: string; readonly token: string };
  readonly problem?: { readonly what: string; readonly message: string };
  readonly counters?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Says why namespaces or a program are out of reach; undefined when all is there. */
export function labProblem(...programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const missing = ["ip", ...programs].filter(
    (name) =>
      !["/usr/sbin", "/usr/bin", "/sbin", "/bin"].some((dir) => existsSync(`${dir}/${name}`)),
  );
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`;
}

/** The network. Close it. */
export class BootLab {
  readonly #prefix: string;
  readonly #namespaces: string[] = [];
  readonly #processes: ChildProcess[] = [];
  readonly server: string;

  /** @param label - Tells labs of one process apart; at most 4 letters. */
  constructor(label: string) {
    this.#prefix = `hb${process.pid}${label}`;
    this.server = this.#namespace("s");
    this.ip("link add lab type bridge forward_delay 0 mcast_snooping 0");
    this.ip("addr add 10.77.0.1/24 dev lab");
    this.ip("link set lab up");
    this.ip("link set lo up");
  }

  /** Adds a host: a namespace with "eth0" on the bridge. */
  host(name: string, mac: string, address?: string): string {
    const namespace = this.#namespace(name);
    this.ip(`link add v${name} type veth peer name eth0 address ${mac} netns ${namespace}`);
    this.ip(`link set v${name} master lab up`);
    this.run(namespace, ["ip", "link", "set", "lo", "up"]);
    this.run(namespace, ["ip", "link", "set", "eth0", "up"]);
    if (address !== undefined) {
      this.run(namespace, ["ip", "addr", "add", `${address}/24`, "dev", "eth0"]);
    }
    return namespace;
  }

  /** Adds a tap for QEMU to the bridge. */
  tap(name: string): void {
    this.ip(`tuntap add ${name} mode tap`);
    this.ip(`link set ${name} master lab up`);
  }

  /** Runs "ip" in the server's namespace. */
  ip(line: string): void {
    execFileSync("ip", ["-n", this.server, ...line.split(" ")], { stdio: "pipe" });
  }

  /** Runs a program to its end; its output whatever its exit code. */
  run(namespace: string, command: readonly string[], timeoutMs = 60_000): string {
    const all = ["netns", "exec", namespace, ...command];
    const done = spawnSync("ip", all, { encoding: "utf8", timeout: timeoutMs });
    return `${done.stdout}${done.stderr}`;
  }

  /** Starts a program that runs until {@link close}. */
  start(namespace: string, command: readonly string[]): ChildProcess {
    const all = ["netns", "exec", namespace, ...command];
    const child = spawn("ip", all, { stdio: ["pipe", "pipe", "pipe"] });
    this.#processes.push(child);
    return child;
  }

  /** Starts our boot services on the bridge and waits until they are ready. */
  async serve(snapshot: PlainSnapshot): Promise<BootServer> {
    const program = fileURLToPath(new URL("boot-server.ts", import.meta.url));
    const settings = JSON.stringify({ interfaceName: "lab", snapshot });
    const child = this.start(this.server, [process.execPath, "--no-warnings", program, settings]);
    const server = new BootServer(child);
    await server.until((line) => line.ready === true, START_MS);
    return server;
  }

  /** Ends everything. */
  async close(): Promise<void> {
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    }
    for (const namespace of this.#namespaces) spawnSync("ip", ["netns", "del", namespace]);
  }

  #namespace(name: string): string {
    const namespace = `${this.#prefix}${name}`;
    execFileSync("ip", ["netns", "add", namespace]);
    this.#namespaces.push(namespace);
    return namespace;
  }
}

/** Our boot services in their own process. */
export class BootServer {
  readonly lines: ServerLine[] = [];
  readonly #child: ChildProcess;
  readonly #waiting: (() => void)[] = [];
  #errors = "";
  #ended = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.on("data", (bytes: Buffer) => {
      this.#errors += bytes.toString();
    });
    child.once("exit", () => {
      this.#ended = true;
      this.#wake();
    });
    if (child.stdout === null) throw new Error("the boot server has no output");
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.lines.push(JSON.parse(line) as ServerLine);
      this.#wake();
    });
  }

  /** States of one node's boot so far, in order, repeats left out. */
  states(node: string): string[] {
    const states = this.lines.flatMap((one) => (one.event?.node === node ? [one.event.state] : []));
    return states.filter((state, index) => state !== states[index - 1]);
  }

  /** Waits for a line, looking at all lines printed so far too. */
  async until(wanted: (line: ServerLine) => boolean, timeoutMs = 20_000): Promise<ServerLine> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.lines.find(wanted);
      if (found !== undefined) return found;
      const leftMs = deadline - performance.now();
      if (this.#ended || leftMs <= 0) {
        const why = this.#ended ? "the server ended" : "nothing in time";
        throw new Error(`${why}: ${this.#errors} ${JSON.stringify(this.lines.slice(-5))}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Pushes a new snapshot. */
  update(snapshot: PlainSnapshot): void {
    this.#child.stdin?.write(`${JSON.stringify(snapshot)}\n`);
  }

  /** Asks for the counters as they are now. */
  async counters(): Promise<NonNullable<ServerLine["counters"]>> {
    const before = this.lines.length;
    this.#child.stdin?.write("counters\n");
    const line = await this.until((one) => {
      return one.counters !== undefined && this.lines.indexOf(one) >= before;
    });
    return line.counters ?? {};
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
