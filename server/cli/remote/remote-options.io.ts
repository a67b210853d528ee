/**
 * Options that several verbs of the operator API share, and what is derived from them: the client,
 * the nodes, the bounds of numbers.
 */
import type { Command } from "commander";
import type * as z from "zod";
import { NodeList, OperatorRoute } from "../../../shared/control/operator-api.ts";
import type { NodeStatus } from "../../../shared/control/operator-api.ts";
import { LeaveMode } from "../../../shared/control/spec.ts";
import { choiceOption, choicesText } from "../option-values.ts";
import type { Bounds } from "../option-values.ts";
import { OperatorLine, SOCKET_DEFAULT } from "./operator-line.io.ts";
import { selectNodes } from "./node-range.ts";

/** Options of every remote verb. */
export interface RemoteOptions {
  readonly socket: string;
  readonly json?: true;
}

/** Adds `--socket` and `--json` to a verb, which it gives back. */
export function remote(command: Command): Command {
  return command
    .option("--socket <path>", "socket of the server", process.env["HUCK_SOCKET"] ?? SOCKET_DEFAULT)
    .option("--json", "one JSON object per line");
}

/** Makes the client that a verb's options ask for. Nothing is sent yet. */
export function lineTo(options: RemoteOptions): OperatorLine {
  return new OperatorLine(options.socket);
}

/** Options of a verb that takes nodes. */
export interface NodeOptions {
  readonly all?: true;
}

/** Adds the nodes argument and `-a` to a verb, which it gives back. */
export function takingNodes(command: Command): Command {
  return command
    .argument("[nodes...]", 'like "1-12", "4-16-2", "fit[01-37]", "~7"; default: $NODES')
    .option("-a, --all", "begin with all nodes of the inventory");
}

/**
 * Finds the nodes that were meant, and gives their states in the order of the inventory.
 *
 * @param line - To the server, which has the inventory.
 * @param words - The nodes argument.
 * @throws SituationError `bad_nodes`; what the server answers.
 */
export async function chosenNodes(
  line: OperatorLine,
  words: readonly string[],
  options: NodeOptions,
): Promise<NodeStatus[]> {
  const { nodes } = await line.get(OperatorRoute.nodes, NodeList);
  const selection = { words, all: options.all === true, fallback: process.env["NODES"] };
  const names = new Set(
    selectNodes(
      selection,
      nodes.map(({ name }) => name),
    ),
  );
  return nodes.filter(({ name }) => names.has(name));
}

/** Sets `all` if neither words nor $NODES name a node. For verbs that change nothing. */
export function allUnlessTyped(words: readonly string[], options: NodeOptions): NodeOptions {
  const isSilent = words.length === 0 && (process.env["NODES"] ?? "") === "";
  return isSilent ? { all: true } : options;
}

/** Adds `--leave` and `-y` to a verb that works on nodes; gives the verb back. */
export function changingNodes(command: Command): Command {
  return command
    .option(
      "--leave <mode>",
      `then: ${choicesText(LeaveMode.options)} (default: as huck.yaml says, else reboot)`,
      choiceOption("--leave", LeaveMode.options),
    )
    .option("-y, --yes", "also nodes that are marked `reimage: confirm`");
}

/**
 * Gives the bounds of an option from those of a request's number.
 *
 * @param unit - How many of the option's units make one of the number's; 1000 if the option counts
 *   milliseconds and the number seconds.
 */
export function boundsOf(shape: z.ZodNumber, unit = 1): Bounds {
  const { minValue, maxValue } = shape;
  return { least: (minValue ?? 0) * unit, most: (maxValue ?? Infinity) * unit };
}

/** Gives whole seconds, rounded up. `undefined` stays undefined. */
export function wholeSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.ceil(ms / 1000);
}
