/**
 * Options that several verbs share, and how their texts become values. A mistake is exit code 2,
 * nothing was begun.
 */
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import type * as z from "zod";
import { NodeList, OperatorRoute } from "../../../shared/control/operator-api.ts";
import type { NodeStatus } from "../../../shared/control/operator-api.ts";
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
 * Makes a parser of an option from a schema.
 *
 * @param schema - Of the value.
 * @param convert - From the text to what the schema checks; default: the text itself.
 * @returns A parser for commander.
 */
export function valueOf<T extends z.ZodType>(
  schema: T,
  convert: (text: string) => unknown = (text) => text,
): (text: string) => z.output<T> {
  return (text) => {
    const parsed = schema.safeParse(convert(text));
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? "malformed");
  };
}

/**
 * Reads a rate.
 *
 * @param text - A number with K, M or G: powers of 1000 bits per second.
 * @returns Bits per second; NaN when the text is none.
 */
export function bitsPerSecond(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([kKmMgG]?)$/.exec(text);
  const factor = { "": 1, k: 1e3, m: 1e6, g: 1e9 }[(match?.[2] ?? "").toLowerCase()] ?? 1;
  return match === null ? NaN : Math.round(Number(match[1]) * factor);
}
