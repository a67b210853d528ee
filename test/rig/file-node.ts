/**
 * A node without a computer: the real receiver as an ordinary process over a file that stands for
 * its disk, on a network card of its own.
 *
 * It makes the same visit as process 1 of a booted node, in a second instead of a minute. Its power
 * driver is `manual`: the test starts it, with a token from the server.
 */
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { Lab, Ran } from "./network-lab.ts";
import type { LabServer, NodeSettings } from "./huck-server.ts";
import { root } from "./huck-server.ts";

/** A visit that is under way. */
export interface RunningVisit {
  readonly process: ChildProcess;
  /** How it ended: exit code and everything it printed. */
  readonly ended: Promise<Ran>;
  /** Everything it has printed so far. */
  output(): string;
}

/** One node over files. */
export class FileNode {
  readonly name: string;
  /** Its entry of the inventory. */
  readonly settings: NodeSettings;
  /** Its network namespace. */
  readonly namespace: string;
  readonly #lab: Lab;

  /**
   * @param lab - Gets a host for it.
   * @param name - At most 8 letters and digits.
   * @param number - Last byte of MAC and address: 2 .. 99.
   * @param more - More of its inventory entry.
   */
  constructor(lab: Lab, name: string, number: number, more: Partial<NodeSettings> = {}) {
    const mac = `52:54:00:77:01:${number.toString(16).padStart(2, "0")}`;
    const address = `10.77.0.${number}`;
    this.#lab = lab;
    this.name = name;
    this.namespace = lab.host(name, mac, address);
    this.settings = { name, macs: [mac], power: { driver: "manual" }, ...more };
  }

  /**
   * Starts a visit.
   *
   * @param server - Gives the token.
   * @param disks - Files that stand for its disks.
   * @param more - More arguments, or others: of several with one name, the last one counts.
   * @param environment - More variables for the process.
   */
  async visit(
    server: LabServer,
    disks: readonly string[],
    more: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<RunningVisit> {
    const words = [...(await server.receiverWords(this.name)), ...more];
    return this.start([...words, ...disks.map((disk) => `huck.disk=${disk}`)], environment);
  }

  /** Starts a receiver with these arguments and no others. */
  start(
    words: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): RunningVisit {
    const command = [
      process.execPath,
      "--no-warnings",
      join(root, "receiver/main.io.ts"),
      ...words,
    ];
    const child = this.#lab.start(this.namespace, command, {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (bytes: Buffer) => {
        output += bytes.toString();
      });
    }
    const ended = new Promise<Ran>((resolve) => {
      child.once("close", (exitCode) => {
        resolve({ exitCode, output });
      });
    });
    return { process: child, ended, output: () => output };
  }
}
