/**
 * Options that several verbs of the operator API share, and what follows from them: the server, the
 * nodes, the bounds of the requests.
 */
import type { Command } from "commander";
import type * as z from "zod";
import { NodeList, OperatorRoute } from "../../../shared/control/operator-api.ts";
import type { NodeStatus } from "../../../shared/control/operator-api.ts";
import { LeaveMode } from "../../../shared/control/spec.ts";
import { choiceOption } from "../option-values.ts";
import type { Bounds } from "../option-values.ts";
import { OperatorLine, SOCKET_DEFAULT } from "./operator-line.io.ts";
import { selectNodes } from "./node-range.ts";

/** Options of every remote verb. */
export interface RemoteOptions {
  readonly socket: string;
  readonly json?: true;
}

/**
 * Adds `--socket` and `--json`.
 *
 * @param command - A verb.
 * @returns The same verb.
 */
export function remote(command: Command): Command {
  return command
    .option("--socket <path>", "socket of the server", process.env["HUCK_SOCKET"] ?? SOCKET_DEFAULT)
    .option("--json", "one JSON object per line");
}

/**
 * Opens the line to the server.
 *
 * @param options - Of the verb.
 * @returns The line; nothing is sent yet.
 */
export function lineTo(options: RemoteOptions): OperatorLine {
  return new OperatorLine(options.socket);
}

/** Options of a verb that takes nodes. */
export interface NodeOptions {
  readonly all?: true;
}

/**
 * Adds the nodes argument and `-a`.
 *
 * @param command - A verb.
 * @returns The same verb.
 */
export function takingNodes(command: Command): Command {
  return command
    .argument("[nodes...]", 'like "1-12", "4-16-2", "fit[01-37]", "~7"; default: $NODES')
    .option("-a, --all", "begin with all nodes of the inventory");
}

/**
 * Finds the nodes that were meant.
 *
 * @param line - To the server, which knows the inventory.
 * @param words - Arguments.
 * @param options - Of the verb.
 * @returns Their states, in the order of the inventory.
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

/**
 * Lets a verb that only looks mean all nodes when none was named.
 *
 * @param words - Arguments.
 * @param options - Of the verb.
 * @returns Options with `all` set when neither words nor $NODES name a node.
 */
export function allUnlessTyped(words: readonly string[], options: NodeOptions): NodeOptions {
  const isSilent = words.length === 0 && (process.env["NODES"] ?? "") === "";
  return isSilent ? { all: true } : options;
}

/**
 * Adds `--leave` and `-y`, which every verb has that works on nodes.
 *
 * @param command - A verb.
 * @returns The same verb.
 */
export function changingNodes(command: Command): Command {
  return command
    .option(
      "--leave <mode>",
      "then: reboot, poweroff or stay (default: as huck.yaml says, else reboot)",
      choiceOption("--leave", LeaveMode.options),
    )
    .option("-y, --yes", "also nodes that are marked `reimage: confirm`");
}

/**
 * Gives the bounds that a request has for a number.
 *
 * @param shape - Of the number.
 * @param unit - How many of the option's unit are one of the number's; 1000 for seconds.
 * @returns Bounds in the option's unit.
 */
export function boundsOf(shape: z.ZodNumber, unit = 1): Bounds {
  const { minValue, maxValue } = shape;
  return { least: (minValue ?? 0) * unit, most: (maxValue ?? Infinity) * unit };
}

/**
 * Converts a duration as a request wants it.
 *
 * @param ms - Milliseconds; undefined stays undefined.
 * @returns Whole seconds, rounded up.
 */
export function wholeSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.ceil(ms / 1000);
}
