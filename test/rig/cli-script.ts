/**
 * Command line scripts: commands with the output and the exit code that users' own scripts may rely
 * on, in the manner of testscript (as in FiloSottile/age, cmd/age/testdata).
 *
 *     # what the script shows
 *     $ huck image info lab.huck     a command of the shell; `huck` is the real one
 *     > id         <hex>             a line of its standard output
 *     ! huck: Cannot ...             a line of its standard error
 *     = 0                            its exit code
 *     & huck serve                   runs until the script ends; its first lines of standard output
 *                                    follow, and are waited for
 *     -- lab.yaml --                 from here on: files that are there when the script begins
 *
 * In an expected line <hex>, <number>, <time> and <any> match what may differ. A line "..." stands
 * for any number of lines. $WORK is the folder in which every command runs, and $PORT is a free
 * port. Both are replaced in files too, and where their values occur in output they are written by
 * these names.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./huck-server.ts";

/** A parsed script. */
export interface CliScript {
  /** Comments and empty lines before the first command. */
  readonly head: readonly string[];
  readonly steps: readonly CliStep[];
  readonly files: ReadonlyMap<string, string>;
}

/** One command and what is expected of it. */
export interface CliStep {
  readonly command: string;
  /** True if it runs until the script ends. */
  readonly isBackground: boolean;
  /** Lines with their marks, `> ` or `! `; standard output comes first. */
  readonly output: readonly string[];
  /** Undefined for a command in the background. */
  readonly exitCode: number | undefined;
}

/** A command that hangs is killed after this time. Unit: milliseconds. */
const COMMAND_WITHIN_MS = 60_000;

const PLACEHOLDERS: Readonly<Record<string, string>> = {
  "<hex>": "[0-9a-f]+",
  "<number>": "[0-9]+([.][0-9]+)?",
  "<time>": "[0-9]{4}-[0-9-]+[T ][0-9:.]+Z?",
  "<any>": ".*",
};

/**
 * Reads a script.
 *
 * @throws Error for a line that is none of those above, or out of order.
 */
export function readCliScript(text: string): CliScript {
  const [part = "", ...rest] = text.split(/^-- (.+) --\n/m);
  const files = new Map<string, string>();
  for (let at = 0; at < rest.length; at += 2) files.set(rest[at] ?? "", rest[at + 1] ?? "");
  const head: string[] = [];
  const steps: { -readonly [Key in keyof CliStep]: CliStep[Key] }[] = [];
  for (const line of part.split("\n")) {
    const mark = line.slice(0, 1);
    const step = steps.at(-1);
    if (mark === "$" || mark === "&") {
      const command = line.slice(2);
      steps.push({ command, isBackground: mark === "&", output: [], exitCode: undefined });
    } else if (mark === "#" || mark === "") {
      if (step === undefined) head.push(line);
    } else if (step !== undefined && (mark === ">" || mark === "!")) {
      step.output = [...step.output, line];
    } else if (step !== undefined && mark === "=") {
      step.exitCode = Number(line.slice(2));
    } else throw new Error(`Cannot read the line "${line}" of a script`);
  }
  const open = steps.find((step) => step.exitCode === undefined && !step.isBackground);
  if (open !== undefined) throw new Error(`"${open.command}" has no exit code`);
  return { head, steps, files };
}

/**
 * Writes steps as a script has them.
 *
 * @param steps - What was expected, or what was found.
 * @returns The text, for a comparison of the two.
 */
export function writeCliSteps(steps: readonly CliStep[]): string {
  return steps
    .map(({ command, isBackground, output, exitCode }) => {
      const end = exitCode === undefined ? [] : [`= ${exitCode}`];
      return [`${isBackground ? "&" : "$"} ${command}`, ...output, ...end, ""].join("\n");
    })
    .join("\n");
}

/**
 * Runs a script in a fresh folder, which is removed afterwards.
 *
 * @param more - More files for the folder.
 * @param port - For $PORT.
 * @returns The steps as they ran. A line that matches what the script expects is returned as the
 *   script has it.
 */
export async function runCliScript(
  script: CliScript,
  more: ReadonlyMap<string, Uint8Array>,
  port: number,
): Promise<CliStep[]> {
  const folder = mkdtempSync(join(tmpdir(), "huck-script-"));
  const runner = new Runner(folder, port);
  try {
    for (const [name, bytes] of more) writeFileSync(join(folder, name), bytes);
    for (const [name, text] of script.files) {
      writeFileSync(join(folder, name), text.replaceAll("$PORT", String(port)));
    }
    const found: CliStep[] = [];
    for (const step of script.steps) found.push(await runner.run(step));
    return found;
  } finally {
    await runner.end();
    rmSync(folder, { recursive: true });
  }
}

class Runner {
  readonly #folder: string;
  readonly #port: number;
  readonly #background: ChildProcess[] = [];

  constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  async run(step: CliStep): Promise<CliStep> {
    const lines = { out: "", errors: "" };
    const child = spawn(
      "/bin/sh",
      ["-c", step.isBackground ? `exec ${step.command}` : step.command],
      {
        cwd: this.#folder,
        env: {
          PATH: `${root}:/usr/sbin:/usr/bin:/sbin:/bin`,
          WORK: this.#folder,
          PORT: String(this.#port),
          ROOT: root,
          HUCK_SOCKET: join(this.#folder, "huck.sock"),
        },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true, // a group of its own, so that a shell's children end with it
      },
    );
    const closed = new Promise<number>((resolve) => {
      child.once("close", (code) => {
        resolve(code ?? -1);
      });
    });
    child.stderr.on("data", (bytes: Buffer) => (lines.errors += bytes.toString()));
    const said = new Promise<void>((resolve) => {
      child.stdout.on("data", (bytes: Buffer) => {
        lines.out += bytes.toString();
        if (lines.out.split("\n").length > step.output.length) resolve();
      });
    });
    const timer = setTimeout(() => {
      killGroup(child, "SIGKILL");
    }, COMMAND_WITHIN_MS);
    if (step.isBackground) this.#background.push(child);
    const exitCode = await (step.isBackground ? Promise.race([said, closed]) : closed);
    clearTimeout(timer);
    const output = [
      ...this.#marked(">", lines.out),
      ...(step.isBackground ? [] : this.#marked("!", lines.errors)),
    ];
    return { ...step, output: inWordsOf(step.output, output), exitCode: exitCode ?? undefined };
  }

  async end(): Promise<void> {
    for (const child of this.#background) {
      const closed = new Promise((resolve) => child.once("close", resolve));
      if (child.exitCode !== null || child.signalCode !== null) continue;
      killGroup(child, "SIGTERM");
      await closed;
    }
  }

  #marked(mark: string, text: string): string[] {
    if (text === "") return [];
    const port = new RegExp(String.raw`\b${this.#port}\b`, "g");
    const lines = text.replaceAll(this.#folder, "$WORK").replaceAll(port, "$PORT");
    return lines
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => `${mark} ${line}`.trimEnd());
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid !== undefined) process.kill(-child.pid, signal);
}

/** Replaces a found line by the expected line that it matches; others stay. */
function inWordsOf(expected: readonly string[], found: readonly string[]): string[] {
  const result: string[] = [];
  let at = 0;
  for (const [index, line] of expected.entries()) {
    if (line.slice(2) === "...") {
      const next = expected[index + 1];
      while (at < found.length && (next === undefined || !matches(next, found[at] ?? ""))) at += 1;
      result.push(line);
    } else if (at < found.length) {
      const one = found[at] ?? "";
      result.push(matches(line, one) ? line : one);
      at += 1;
    }
  }
  return [...result, ...found.slice(at)];
}

function matches(expected: string, found: string): boolean {
  const pattern = expected
    .split(/(<hex>|<number>|<time>|<any>)/)
    .map((part) => PLACEHOLDERS[part] ?? part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("");
  return new RegExp(`^${pattern}$`).test(found);
}
