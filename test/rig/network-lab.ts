/**
 * A lab network inside this computer: network namespaces on one bridge, taps for virtual nodes.
 *
 * All parts (taps, bridge, links, filter rules) are in namespaces and are removed with them. The
 * names of the namespaces contain the process id of their maker. So labs that run at once never
 * meet, the computer's own network is not touched, and the next lab recognises and removes what a
 * killed test has left. A lab needs root; labProblem() says why one cannot be made.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { existsSync } from "node:fs";

/** The server's address; the bridge is its interface. */
export const SERVER_ADDRESS = "10.77.0.1";
/** Name of the bridge in the server's namespace. */
export const BRIDGE = "lab";

const NAME = /^hucklab(\d+)/;
/** A short command is killed after this time. Unit: milliseconds. */
const RUN_MS_MAX = 60_000;

/** How a command ended. */
export interface Ran {
  readonly exitCode: number | null;
  readonly output: string;
}

/**
 * Says why a lab cannot be made here.
 *
 * @param programs - Programs that are needed besides ip and nft.
 * @returns The reason, or undefined if everything is there.
 */
export function labProblem(...programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  const missing = ["ip", "nft", ...programs].filter(
    (name) => !folders.some((folder) => existsSync(`${folder}/${name}`)),
  );
  if (missing.length > 0) return `not installed: ${missing.join(", ")}`;
  const tried = spawnSync("unshare", ["--net", "true"], { encoding: "utf8" });
  return tried.status === 0 ? undefined : `no network namespaces here: ${tried.stderr.trim()}`;
}

/** One lab network. The caller closes it. */
export class Lab {
  /** Namespace of bridge and server. */
  readonly namespace: string;
  readonly #prefix: string;
  readonly #namespaces: string[] = [];
  readonly #processes: ChildProcess[] = [];

  /** @param label - Tells labs of one process apart: letters and digits. */
  constructor(label: string) {
    sweep();
    this.#prefix = `hucklab${process.pid}${label}`;
    this.namespace = this.#add("server");
    this.ip(`link add ${BRIDGE} type bridge forward_delay 0 mcast_snooping 0`);
    this.ip(`addr add ${SERVER_ADDRESS}/24 dev ${BRIDGE}`);
    this.ip(`link set ${BRIDGE} up`);
    this.ip("link set lo up");
    // A bridge without a live port has no carrier, and Node.js does not list such an interface.
    this.ip("link add uplink type veth peer name uplink-end");
    this.ip("link set uplink-end up");
    this.ip(`link set uplink master ${BRIDGE} up`);
  }

  /**
   * Adds a tap for a virtual node.
   *
   * @param name - Up to 15 characters.
   */
  tap(name: string): void {
    this.ip(`tuntap add ${name} mode tap`);
    this.ip(`link set ${name} master ${BRIDGE} up`);
  }

  /**
   * Adds a host: a namespace with "eth0" on the bridge.
   *
   * @param name - Up to 8 letters and digits.
   * @param mac - Of eth0.
   * @param address - Of eth0; none when DHCP shall give it one.
   * @returns The namespace.
   */
  host(name: string, mac: string, address?: string): string {
    const namespace = this.#add(name);
    this.ip(`link add v${name} type veth peer name eth0 address ${mac} netns ${namespace}`);
    this.ip(`link set v${name} master ${BRIDGE} up`);
    const given = address === undefined ? [] : [`addr add ${address}/24 brd + dev eth0`];
    for (const line of ["link set lo up", ...given, "link set eth0 up"]) {
      execFileSync("ip", ["-n", namespace, ...line.split(" ")], { stdio: "pipe" });
    }
    return namespace;
  }

  /**
   * Runs `ip` in the server's namespace.
   *
   * @param line - Arguments, separated by spaces, without quotes.
   */
  ip(line: string): void {
    execFileSync("ip", ["-n", this.namespace, ...line.split(" ")], { stdio: "pipe" });
  }

  /**
   * Drops datagrams to a range of addresses, on every port of the bridge except the server's own.
   *
   * @param destination - Address or prefix, as nft writes it.
   * @param overBytes - Lets IPv4 packets of up to this length through.
   * @returns A function that lets them through again.
   */
  drop(destination: string, overBytes = 0): () => void {
    const rules = `table bridge huck {
  chain loss {
    type filter hook postrouting priority 0
    ip daddr ${destination} ip length > ${overBytes} drop
  }
}
`;
    const nft = ["netns", "exec", this.namespace, "nft"];
    execFileSync("ip", [...nft, "-f", "-"], { input: rules, stdio: "pipe" });
    return () => {
      execFileSync("ip", [...nft, "delete", "table", "bridge", "huck"], { stdio: "pipe" });
    };
  }

  /**
   * Runs a program to its end.
   *
   * @param namespace - Where.
   * @param command - Program and arguments.
   * @param timeoutMs - It is killed then.
   * @returns How it ended.
   */
  run(namespace: string, command: readonly string[], timeoutMs = RUN_MS_MAX): Ran {
    const all = ["netns", "exec", namespace, ...command];
    const done = spawnSync("ip", all, { encoding: "utf8", timeout: timeoutMs });
    return { exitCode: done.status, output: `${done.stdout}${done.stderr}` };
  }

  /**
   * Starts a program that runs until it ends or the lab closes.
   *
   * @param namespace - Where.
   * @param command - Program and arguments.
   * @param options - For spawn; inputs and outputs are pipes unless told otherwise.
   * @returns Its process: `ip netns exec` becomes the program, the process id stays.
   */
  start(namespace: string, command: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn("ip", ["netns", "exec", namespace, ...command], { ...options });
    this.#processes.push(child);
    return child;
  }

  /** Ends all programs that were started and removes the namespaces. */
  async close(): Promise<void> {
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    }
    for (const namespace of this.#namespaces) spawnSync("ip", ["netns", "del", namespace]);
  }

  #add(name: string): string {
    const namespace = `${this.#prefix}${name}`;
    execFileSync("ip", ["netns", "add", namespace], { stdio: "pipe" });
    this.#namespaces.push(namespace);
    return namespace;
  }
}

/** Removes the namespaces of processes that have ended. */
function sweep(): void {
  const list = spawnSync("ip", ["netns", "list"], { encoding: "utf8" }).stdout;
  for (const line of list.split("\n")) {
    const [name = ""] = line.split(" ");
    const pid = NAME.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      spawnSync("ip", ["netns", "del", name]);
    }
  }
}
