/**
 * The real server in a lab, and the real verbs that speak to it.
 *
 * A test does what an admin does: it writes a huck.yaml, runs `huck serve` as a process in the
 * lab's namespace, and runs verbs and looks at their exit codes and JSON lines. It can stop the
 * server in order, or kill it, and start it again on the same state.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { NodeToken, OperatorRoute } from "../../shared/control/operator-api.ts";
import type { Verdict } from "../../shared/control/verdict.ts";
import { OperatorLine } from "../../server/cli/remote/operator-line.io.ts";
import { Arrivals } from "./arrivals.ts";
import { BRIDGE } from "./network-lab.ts";
import type { Lab } from "./network-lab.ts";

/** The work tree. */
export const root: string = join(import.meta.dirname, "../..");
/** The server must be ready by then, even on a loaded computer. Unit: milliseconds. */
const READY_WITHIN_MS = 120_000;

/** A node of the inventory; other fields as in huck.yaml. */
export interface NodeSettings {
  readonly name: string;
  readonly macs: readonly string[];
  readonly address?: string;
  readonly disk?: readonly object[];
  readonly power?: object;
}

/** What differs between the servers of different tests. */
export interface ServerSettings {
  readonly nodes: readonly NodeSettings[];
  /** More of the `server:` section. */
  readonly server?: object;
  /** More of the `defaults:` section. */
  readonly defaults?: object;
}

/** A line of `--json`; its members depend on `kind`. */
export interface JsonLine {
  readonly kind: string;
  readonly node?: string;
  readonly phase?: string;
  readonly detail?: string;
  readonly text?: string;
  readonly verdict?: Verdict;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
}

/** How a verb ended. */
export interface VerbRun {
  readonly exitCode: number | null;
  readonly lines: readonly JsonLine[];
  readonly errors: string;
  /** Gives the verdict of a node; fails the test if there is none. */
  verdict(node: string): Verdict;
}

/** A verb that runs. */
export interface RunningVerb {
  readonly ended: Promise<VerbRun>;
  /** Waits for a line; earlier ones count too. */
  until(wanted: (line: JsonLine) => boolean): Promise<JsonLine>;
  /** Presses Ctrl-C. */
  interrupt(): void;
}

/** A server in a lab. */
export class LabServer {
  /** Folder of its configuration, images and state. */
  readonly folder: string;
  readonly #lab: Lab;
  #child: ChildProcess | undefined;
  #log = "";
  /** The first line of the last verb: by then, what it asks for is in the server's journal. */
  #begun: Promise<unknown> = Promise.resolve();

  /**
   * @param lab - Where it runs; the lab's bridge is its interface.
   * @param folder - Made when missing.
   * @param settings - For huck.yaml, which is JSON here: YAML 1.2 holds JSON.
   */
  constructor(lab: Lab, folder: string, settings: ServerSettings) {
    this.#lab = lab;
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    const server = {
      interface: BRIDGE,
      dhcp: { mode: "full", range: "10.77.0.100-10.77.0.199" },
      bootFiles: join(root, "build/boot"),
      socket: "huck.sock",
      ...settings.server,
    };
    const defaults = { reimage: "free", ...settings.defaults };
    writeFileSync(
      join(folder, "huck.yaml"),
      JSON.stringify({ server, defaults, nodes: settings.nodes }, null, 2),
    );
  }

  /**
   * Starts it and waits until it says that it serves.
   *
   * @param environment - More variables for the process.
   */
  async start(environment: Readonly<Record<string, string>> = {}): Promise<void> {
    const command = [process.execPath, join(root, "huck.ts"), "serve"];
    const where = ["--config", join(this.folder, "huck.yaml")];
    const child = this.#lab.start(this.#lab.namespace, [...command, ...where], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    const lines = new Arrivals<string>();
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      stream.on("data", (bytes: Buffer) => {
        output += bytes.toString();
        this.#log += bytes.toString();
        appendFileSync(join(this.folder, "server.log"), bytes);
      });
      createInterface({ input: stream }).on("line", (line) => {
        lines.add(line);
      });
    }
    child.once("close", () => {
      lines.end();
    });
    const found = await lines.until((line) => /^huck \S+ serves/.test(line), READY_WITHIN_MS);
    if (found === "ended" || found === "late") {
      throw new Error(`the server did not start, ${found}:\n${output}`);
    }
  }

  /** Everything it has printed so far, also before its restarts; server.log has the same. */
  get log(): string {
    return this.#log;
  }

  /**
   * Ends it.
   *
   * @param signal - SIGKILL is like a power cut.
   */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill(signal);
    await ended;
  }

  /**
   * Saves a disk file into the store.
   *
   * @param file - It is only read.
   * @param name - Of the image.
   */
  async importImage(file: string, name: string): Promise<void> {
    const store = ["--store", join(this.folder, "images"), "-o", name, file];
    const words = [join(root, "huck.ts"), "image", "save", ...store];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"] });
    const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
    const [exitCode, output, errors] = await Promise.all([
      closed,
      text(child.stdout),
      text(child.stderr),
    ]);
    if (exitCode !== 0) throw new Error(`image save ${file}: ${exitCode}\n${output}${errors}`);
  }

  /**
   * Runs a verb to its end.
   *
   * @param words - Verb and arguments; `--socket` and `--json` are added.
   */
  async huck(...words: readonly string[]): Promise<VerbRun> {
    return await this.begin(...words).ended;
  }

  /**
   * Starts a verb.
   *
   * @param words - As for {@link huck}.
   */
  begin(...words: readonly string[]): RunningVerb {
    const all = [join(root, "huck.ts"), ...words, "--socket", this.#socket, "--json"];
    const child = spawn(process.execPath, all, { stdio: ["ignore", "pipe", "pipe"] });
    const lines = new Arrivals<JsonLine>();
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line !== "") lines.add(JSON.parse(line) as JsonLine);
    });
    const closed = new Promise<number | null>((resolve) => {
      child.once("close", (exitCode) => {
        lines.end();
        resolve(exitCode);
      });
    });
    this.#begun = lines.until(() => true);
    const ended = Promise.all([closed, text(child.stderr)]).then(([exitCode, errors]) => {
      return verbRun(exitCode, lines.all, errors);
    });
    return {
      ended,
      until: async (wanted) => {
        const found = await lines.until(wanted);
        if (typeof found !== "string") return found;
        const { errors, exitCode } = await ended;
        const last = lines.all.slice(-5).map((line) => JSON.stringify(line));
        throw new Error(`${words.join(" ")}: ended with ${exitCode}\n${last.join("\n")}${errors}`);
      },
      interrupt: () => child.kill("SIGINT"),
    };
  }

  /**
   * Gives the arguments with which a receiver of a node can join, once the last verb has begun: a
   * node that joins before its job is there is told that there is nothing to do, and is gone.
   */
  async receiverWords(node: string): Promise<string[]> {
    await this.#begun;
    const line = new OperatorLine(this.#socket);
    const { serverUrl, token, serverKey, mac } = await line.post(
      OperatorRoute.tokens,
      { node },
      NodeToken,
    );
    return [
      `huck.server=${serverUrl}`,
      `huck.token=${token}`,
      `huck.key=${serverKey}`,
      `BOOTIF=01-${mac.replaceAll(":", "-")}`,
    ];
  }

  get #socket(): string {
    return join(this.folder, "huck.sock");
  }
}

function verbRun(exitCode: number | null, lines: readonly JsonLine[], errors: string): VerbRun {
  return {
    exitCode,
    lines,
    errors,
    verdict(node) {
      const found = lines.find((line) => line.kind === "verdict" && line.node === node)?.verdict;
      if (found !== undefined) return found;
      throw new Error(`no verdict of ${node} in ${JSON.stringify(lines.slice(-3))}${errors}`);
    },
  };
}
