#!/usr/bin/env node
/**
 * huck: finds the verb that was typed and runs it. server/cli/verbs.io.ts lists the verbs.
 *
 * Linked as `image-load` or `image-save`, its own name is the verb. Errors end here: message and
 * cure on standard error, and the exit code of CONTROL.md section 2. When the reader of our output
 * goes away, no verb ends because of it; those that follow a job look after that themselves.
 */
import { enableCompileCache } from "node:module";
import path from "node:path";
import type { Command } from "commander";
import { CommanderError } from "commander";
import packageFile from "./package.json" with { type: "json" };
import { situationOf } from "./server/cli/system-error.ts";
import { stderr } from "./server/cli/terminal.io.ts";
import { findCommand } from "./server/cli/verb.ts";
import { VERBS } from "./server/cli/verbs.io.ts";
import { ExitCode, FormatError, SituationError, codeOf, messageOf } from "./shared/core/errors.ts";

enableCompileCache();
let outputFault: Error | undefined;
for (const output of [process.stdout, process.stderr]) {
  output.on("error", (thrown) => {
    if (codeOf(thrown) !== "EPIPE") outputFault ??= thrown;
  });
}
// A log on a full disk stops no restore half-way, but it is told, and is no success.
process.on("exit", (exitCode) => {
  if (outputFault !== undefined && exitCode === 0) process.exitCode = report(outputFault);
});
const [, script = "", ...typed] = process.argv;
const name = path.basename(script);
const isVerb = name === "image-load" || name === "image-save";

try {
  const { command, words } = await findCommand(
    VERBS,
    isVerb ? [name, ...typed] : typed,
    packageFile.version,
  );
  await throwUsage(command).parseAsync(words, { from: "user" });
} catch (thrown) {
  process.exitCode = report(thrown);
}

/** Makes commander throw where it would exit, and speak as we do. */
function throwUsage(command: Command): Command {
  return command
    .exitOverride()
    .showHelpAfterError(`  \`${command.name()} --help\` shows what it takes.`)
    .configureOutput({
      writeErr: printLines,
      outputError: (text, write) => {
        write(text.replace(/^error: /, "huck: "));
      },
    });
}

function printLines(text: string): void {
  for (const line of text.replace(/\n$/, "").split("\n")) stderr.print(line);
}

function report(thrown: unknown): ExitCode {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  const situation = thrown instanceof SituationError ? thrown : situationOf(thrown);
  if (situation !== undefined) {
    stderr.print(`huck: ${messageOf(situation)}`);
    stderr.print(`  ${situation.cure}`);
    return situation.exitCode;
  }
  if (thrown instanceof FormatError) {
    stderr.print(`huck: ${messageOf(thrown)}`);
    return ExitCode.refused;
  }
  printLines(
    `huck: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`,
  );
  return ExitCode.unknown;
}
