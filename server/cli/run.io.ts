/**
 * Runs the verb that was typed. Errors end here: message and cure on standard error, with `--json`
 * also one object for programs, and the exit code of CONTROL.md section 2.
 */
import path from "node:path";
import type { Command } from "commander";
import { CommanderError } from "commander";
import { ExitCode, SituationError, codeOf, messageOf } from "../../shared/core/errors.ts";
import packageFile from "../../package.json" with { type: "json" };
import { situationOf } from "./system-error.ts";
import { stderr, stdout } from "./terminal.io.ts";
import { findCommand } from "./verb.ts";
import { VERBS } from "./verbs.io.ts";

/**
 * Runs a verb and sets the exit code of the process.
 *
 * @param script - What was started; linked as `image-load` or `image-save`, its name is the verb.
 * @param typed - The words after it.
 */
export async function runHuck(script: string, typed: readonly string[]): Promise<void> {
  const name = path.basename(script);
  const words = name === "image-load" || name === "image-save" ? [name, ...typed] : typed;
  const end = new VerbEnd(words);
  end.watchOutputs();
  try {
    const found = await findCommand(VERBS, words, packageFile.version);
    await throwUsage(found.command, end).parseAsync(found.words, { from: "user" });
  } catch (thrown) {
    process.exitCode = end.report(thrown);
  }
}

/** How a verb ends that did not end by itself. */
class VerbEnd {
  readonly #json: boolean;
  readonly #toError: boolean;
  /** What commander said of wrong usage. */
  #usage = "";

  constructor(words: readonly string[]) {
    const end = words.indexOf("--");
    const options = end < 0 ? words : words.slice(0, end);
    this.#json = options.includes("--json");
    this.#toError = words[0] === "catch" && words.includes("-"); // its standard output is data
  }

  /**
   * When the reader of our output goes away, no verb ends because of it; those that follow a job
   * look after that themselves. A log on a full disk stops no restore half-way, but it is told, and
   * is no success.
   */
  watchOutputs(): void {
    let fault: Error | undefined;
    for (const output of [process.stdout, process.stderr]) {
      output.on("error", (thrown) => {
        if (codeOf(thrown) !== "EPIPE") fault ??= thrown;
      });
    }
    process.on("exit", (exitCode) => {
      if (fault !== undefined && exitCode === 0) process.exitCode = this.report(fault);
    });
    process.on("uncaughtException", (thrown) => {
      process.exit(this.report(thrown));
    });
  }

  /** Keeps what commander says, and prints it. */
  usage(text: string): void {
    this.#usage += text;
    for (const line of text.replace(/\n$/, "").split("\n")) stderr.print(line);
  }

  report(thrown: unknown): ExitCode {
    if (thrown instanceof CommanderError) return this.#reportUsage(thrown);
    const situation = situationOf(thrown) ?? this.#bug(thrown);
    stderr.print(`huck: ${messageOf(situation)}`);
    if (situation.cure !== "") stderr.print(`  ${situation.cure}`);
    this.#printJson(situation);
    return situation.exitCode;
  }

  #reportUsage(thrown: CommanderError): ExitCode {
    if (thrown.exitCode === 0) return ExitCode.ok;
    const [message = "", ...more] = this.#usage.trimEnd().split("\n");
    const cure = more.join(" ").trim();
    const exitCode = ExitCode.usage;
    this.#printJson(
      new SituationError("usage", message.replace(/^huck: /, ""), { cure, exitCode }),
    );
    return exitCode;
  }

  /** A fault of ours. Its stack is of use to those who mend it, and printed if they ask. */
  #bug(thrown: unknown): SituationError {
    const stack = thrown instanceof Error ? (thrown.stack ?? "") : "";
    if (process.env["HUCK_STACK"] === "1") for (const line of stack.split("\n")) stderr.print(line);
    const found = `a fault of huck itself (${messageOf(thrown)})`;
    return new SituationError("bug", `Cannot go on: ${found}`, {
      cure: "Run the command again with HUCK_STACK=1 and report what it prints.",
      exitCode: ExitCode.unknown,
      cause: thrown,
    });
  }

  #printJson({ code, message, cure, exitCode }: SituationError): void {
    if (!this.#json) return;
    (this.#toError ? stderr : stdout).printJson({
      kind: "error",
      code,
      text: message,
      cure,
      exitCode,
    });
  }
}

/** Makes commander throw where it would exit, and speak as we do. */
function throwUsage(command: Command, end: VerbEnd): Command {
  return command
    .exitOverride()
    .showHelpAfterError(`  \`${command.name()} --help\` shows what it takes.`)
    .configureOutput({
      writeErr: (text) => {
        end.usage(text);
      },
      outputError: (text, write) => {
        write(text.replace(/^error: /, "huck: "));
      },
    });
}
