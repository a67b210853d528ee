/** A lab network whose server runs our boot services in a process of their own. */
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";
import { Arrivals } from "./arrivals.ts";
import { fileFolder } from "./folder.ts";
import { BRIDGE, Lab, SERVER_ADDRESS } from "./network-lab.ts";
import type { BootEvent } from "../../server/boot/progress.ts";
import type { PlainTable } from "./boot-server.ts";

/** The boot server must be ready by then; on an idle computer it takes one second. */
const START_MS = 80_000;

/** One line of the boot server. */
export interface ServerLine {
  readonly ready?: boolean;
  readonly event?: BootEvent;
  readonly grant?: { readonly node: string; readonly mac: string; readonly token: string };
  readonly problem?: { readonly what: string; readonly message: string };
  readonly counters?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** The network. The caller closes it. */
export class BootLab extends Lab {
  /** Starts our boot services on the bridge and waits until they are ready. */
  async serve(table: PlainTable): Promise<BootServer> {
    const program = fileURLToPath(new URL("boot-server.ts", import.meta.url));
    const settings = JSON.stringify({ interfaceName: BRIDGE, table });
    const child = this.start(this.namespace, [
      process.execPath,
      "--no-warnings",
      program,
      settings,
    ]);
    const server = new BootServer(child);
    await server.until((line) => line.ready === true, START_MS);
    return server;
  }
}

/** A lab for each test of a file that opens one, and a folder for all of them. */
export class BootLabPerTest {
  readonly folder: string = fileFolder();
  #lab: BootLab | undefined;

  /** Registers the hooks: once per file, outside its tests. */
  constructor() {
    afterEach(async () => {
      await this.#lab?.close();
      this.#lab = undefined;
    });
  }

  /** A fresh lab; it closes with the test. */
  open(): BootLab {
    this.#lab = new BootLab("boot");
    return this.#lab;
  }
}

/** The network that the boot services serve in a lab. */
export function labBootNetwork(mode: "proxy" | "full"): PlainTable["network"] {
  const pool = { first: "10.77.0.100", last: "10.77.0.110" };
  return { mode, serverAddress: SERVER_ADDRESS, netmask: "255.255.255.0", httpPort: 8067, pool };
}

/** Starts dnsmasq as the site's own DHCP server, on a host beside ours. */
export function startSiteDhcp(lab: Lab, folder: string): void {
  const site = lab.host("d", "02:00:00:00:00:02", "10.77.0.2");
  const range = "--dhcp-range=10.77.0.50,10.77.0.60,255.255.255.0,1h";
  const quiet = ["--no-daemon", "--conf-file=/dev/null", "--port=0", "--no-ping", range];
  const leases = `--dhcp-leasefile=${join(folder, "leases")}`;
  lab.start(site, ["dnsmasq", ...quiet, leases, "--interface=eth0", "--bind-interfaces"]);
}

/** Our boot services in their own process. */
export class BootServer {
  readonly #arrivals = new Arrivals<ServerLine>();
  readonly #child: ChildProcess;
  #errors = "";

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.on("data", (bytes: Buffer) => {
      this.#errors += bytes.toString();
    });
    child.once("exit", () => {
      this.#arrivals.end();
    });
    if (child.stdout === null) throw new Error("the boot server has no output");
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.#arrivals.add(JSON.parse(line) as ServerLine);
    });
  }

  /** Everything it has printed so far. */
  get lines(): readonly ServerLine[] {
    return this.#arrivals.all;
  }

  /** The states of one node's boot so far, in order, without repeats. */
  states(node: string): string[] {
    const states = this.lines.flatMap((one) => (one.event?.node === node ? [one.event.state] : []));
    return states.filter((state, index) => state !== states[index - 1]);
  }

  /** Waits for a line; lines that were printed before count too. */
  async until(wanted: (line: ServerLine) => boolean, timeoutMs = 20_000): Promise<ServerLine> {
    const found = await this.#arrivals.until(wanted, timeoutMs);
    if (typeof found !== "string") return found;
    throw new Error(`${found}: ${this.#errors} ${JSON.stringify(this.lines.slice(-5))}`);
  }

  /** Gives it a new table. */
  update(table: PlainTable): void {
    this.#child.stdin?.write(`${JSON.stringify(table)}\n`);
  }

  /** Asks for its counters. */
  async counters(): Promise<NonNullable<ServerLine["counters"]>> {
    const before = this.lines.length;
    this.#child.stdin?.write("counters\n");
    const line = await this.until((one) => {
      return one.counters !== undefined && this.lines.indexOf(one) >= before;
    });
    return line.counters ?? {};
  }
}
