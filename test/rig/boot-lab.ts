/** A lab network whose server is our boot services in a process of their own. */
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { BRIDGE, Lab } from "./network-lab.ts";
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

/** The network. Close it. */
export class BootLab extends Lab {
  /** Starts our boot services on the bridge and waits until they are ready. */
  async serve(snapshot: PlainSnapshot): Promise<BootServer> {
    const program = fileURLToPath(new URL("boot-server.ts", import.meta.url));
    const settings = JSON.stringify({ interfaceName: BRIDGE, snapshot });
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
