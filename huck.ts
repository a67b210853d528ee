#!/usr/bin/env node
/**
 * huck: the dispatcher. It knows the verbs and loads the one that was typed, from the server's side
 * or the receiver's.
 *
 * The one idea: nothing is loaded that the verb does not need. Linked as `image-load` or
 * `image-save`, its own name is the verb. Errors end here: message and cure on standard error, and
 * the exit code of CONTROL.md section 2. Output that nobody reads any longer ends no verb: what it
 * does counts; those that follow a job end by themselves then.
 */
import { enableCompileCache } from "node:module";
import path from "node:path";
import { Command, CommanderError } from "commander";
import packageFile from "./package.json" with { type: "json" };
import { ExitCode, FormatError, SituationError, codeOf, messageOf } from "./shared/core/errors.ts";

/** Fills a fresh command with a verb's description, options and action. */
type Verb = (command: Command) => Command;

const VERBS: Readonly<Record<string, readonly [string, () => Promise<Verb>]>> = {
  init: [
    "write a commented huck.yaml",
    async () => (await import("./server/cli/local/init.io.ts")).initCommand,
  ],
  serve: [
    "run the server",
    async () => (await import("./server/cli/local/serve.io.ts")).serveCommand,
  ],
  "image-load": [
    "write an image to nodes",
    async () => (await import("./server/cli/remote/image-load.io.ts")).loadCommand,
  ],
  "image-save": [
    "save a node's disk as an image",
    async () => (await import("./server/cli/remote/image-save.io.ts")).saveCommand,
  ],
  status: [
    "ping nodes, tell how they stand",
    async () => (await import("./server/cli/remote/look.io.ts")).statusCommand,
  ],
  nodes: [
    "print the names a range stands for",
    async () => (await import("./server/cli/remote/look.io.ts")).nodesCommand,
  ],
  image: [
    "list, check, save and restore images",
    async () => (await import("./server/cli/local/image.io.ts")).imageCommand,
  ],
  job: [
    "show or abort a load or save",
    async () => (await import("./server/cli/remote/look.io.ts")).jobCommand,
  ],
  cast: [
    "throw a file at every huck catch",
    async () => (await import("./server/cli/local/cast.io.ts")).castCommand,
  ],
  catch: [
    "take what a huck cast throws",
    async () => (await import("./server/cli/local/catch.io.ts")).catchCommand,
  ],
};

enableCompileCache();
for (const output of [process.stdout, process.stderr]) {
  output.on("error", (thrown) => {
    if (codeOf(thrown) !== "EPIPE") throw thrown;
  });
}
const [, script = "", ...words] = process.argv;
const name = path.basename(script);
const [typed, ...rest] = name === "image-load" || name === "image-save" ? [name, ...words] : words;
const verb = typed === undefined ? undefined : VERBS[typed];

try {
  const command =
    verb === undefined ? overview() : (await verb[1]())(new Command(`huck ${typed ?? ""}`));
  throwUsage(command);
  await command.parseAsync(verb === undefined ? words : rest, { from: "user" });
} catch (thrown) {
  process.exitCode = report(thrown);
}

/** `huck`, `huck --help`, `huck --version`, and any word that is no verb. */
function overview(): Command {
  const command = new Command("huck").version(packageFile.version).usage("<verb> [options]");
  command.description(
    "Throw a disk image at a room full of computers. `huck <verb> --help` tells more.",
  );
  for (const [one, [text]] of Object.entries(VERBS)) command.command(one).description(text);
  return command.helpCommand(false);
}

function throwUsage(command: Command): void {
  command.exitOverride();
  for (const sub of command.commands) throwUsage(sub);
}

function report(thrown: unknown): ExitCode {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  if (thrown instanceof SituationError) {
    process.stderr.write(`huck: ${messageOf(thrown)}\n  ${thrown.cure}\n`);
    return thrown.exitCode;
  }
  const bug = thrown instanceof Error && !(thrown instanceof FormatError);
  process.stderr.write(`huck: ${bug ? (thrown.stack ?? thrown.message) : messageOf(thrown)}\n`);
  return thrown instanceof FormatError ? ExitCode.refused : ExitCode.unknown;
}
