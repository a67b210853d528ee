/**
 * Verbs, and how the words of a command line select one.
 *
 * Only the file of the verb that was typed is loaded, so nothing is loaded that it does not need.
 * `help` before a verb means the same as `--help` after it.
 */
import { Command } from "commander";
import { ExitCode, SituationError } from "../../shared/core/errors.ts";
import { nearestName } from "../../shared/core/nearest-name.ts";

/** Adds arguments, options and the action to a fresh command, and gives the same command back. */
export type VerbDescription = (command: Command) => Command;

/** A verb with a file of its own. */
export interface PlainVerb {
  /** The name as it is typed. */
  readonly name: string;
  /** Another name for it. */
  readonly alias?: string;
  /** One line for the help. */
  readonly help: string;
  /** Loads the verb's file. */
  load(): Promise<VerbDescription>;
}

/** A verb that only groups others, like `image`. */
export interface VerbGroup {
  readonly name: string;
  readonly help: string;
  readonly verbs: readonly PlainVerb[];
}

/** A verb of the first level. */
export type Verb = PlainVerb | VerbGroup;

/** A command that is ready to parse its words. */
export interface FoundCommand {
  readonly command: Command;
  /** The words that are left to parse. */
  readonly words: readonly string[];
}

/**
 * Finds the command that was typed.
 *
 * @param verbs - All verbs.
 * @param typed - The words after "huck".
 * @param version - What `huck --version` prints.
 * @returns The command; the overview if no verb was typed.
 * @throws {@link SituationError} `usage` for a word that is not a verb; it names the nearest one.
 */
export async function findCommand(
  verbs: readonly Verb[],
  typed: readonly string[],
  version: string,
): Promise<FoundCommand> {
  const words = typed[0] === "help" ? [...typed.slice(1), "--help"] : typed;
  const [first, second] = words;
  if (first === undefined || first.startsWith("-"))
    return { command: overview(verbs, version), words };
  const verb = verbs.find((one) => isCalled(one, first));
  if (verb === undefined) throw unknownVerb(verbs, [first]);
  if ("load" in verb) return { command: await described(verb, ""), words: words.slice(1) };
  if (second === undefined || second.startsWith("-"))
    return { command: groupOverview(verb), words: words.slice(1) };
  const inner = verb.verbs.find((one) => isCalled(one, second));
  if (inner === undefined) throw unknownVerb(verbs, [first, second]);
  return { command: await described(inner, `${verb.name} `), words: words.slice(2) };
}

function isCalled(verb: Verb, word: string): boolean {
  return verb.name === word || ("alias" in verb && verb.alias === word);
}

async function described(verb: PlainVerb, before: string): Promise<Command> {
  const describe = await verb.load();
  return describe(new Command(`huck ${before}${verb.name}`).description(verb.help));
}

function overview(verbs: readonly Verb[], version: string): Command {
  const command = new Command("huck").version(version).usage("<verb> [options]");
  command.description(
    "Throw a disk image at a room full of computers. `huck help <verb>` tells more.",
  );
  return listing(command, verbs);
}

function groupOverview({ name, help, verbs }: VerbGroup): Command {
  const command = new Command(`huck ${name}`).usage("<verb> [options]");
  return listing(command.description(help), verbs);
}

function listing(command: Command, verbs: readonly Verb[]): Command {
  for (const verb of verbs) {
    const line = command.command(verb.name).description(verb.help);
    if ("alias" in verb) line.alias(verb.alias);
  }
  return command.helpCommand(false);
}

function unknownVerb(verbs: readonly Verb[], words: readonly string[]): SituationError {
  const [first, word = first] = words;
  const group = verbs.filter((verb) => "verbs" in verb && verb.name === first);
  const guess = nearest(group, word ?? "") ?? nearest(verbs, word ?? "");
  const hint = guess === undefined ? "" : `Did you mean \`huck ${guess}\`? `;
  const all = words.length === 1 ? "huck help" : `huck help ${words[0] ?? ""}`;
  return new SituationError("usage", `Cannot run "huck ${words.join(" ")}": no such verb`, {
    cure: `${hint}\`${all}\` lists all verbs.`,
    exitCode: ExitCode.usage,
  });
}

/** The verb of either level whose name differs from a word by few letters, if there is one. */
function nearest(verbs: readonly Verb[], word: string): string | undefined {
  const paths = verbs.flatMap((verb) =>
    "verbs" in verb
      ? [[verb.name, verb.name], ...verb.verbs.map(({ name }) => [name, `${verb.name} ${name}`])]
      : [verb.name, verb.alias ?? verb.name].map((name) => [name, name]),
  );
  const name = nearestName(
    paths.flatMap(([one = ""]) => one),
    word,
  );
  return paths.find(([one]) => one === name)?.[1];
}
