/**
 * The table of `huck status`, and below it why the power of some nodes is unknown.
 */
import type { NodeStatus } from "../../../shared/control/operator-api.ts";
import { isOk } from "../../../shared/control/verdict.ts";
import { table } from "../layout.ts";
import { countText } from "../quantity-text.ts";
import { verdictText } from "./text.ts";

/**
 * Writes how nodes stand.
 *
 * @param columns - Width of the screen.
 */
export function statusLines(nodes: readonly NodeStatus[], columns: number): string[] {
  const lines = table([HEAD, ...nodes.map(rowOf)], { columns, drop: DROP });
  const causes = new Map<string, string[]>();
  for (const { name, power, powerReason } of nodes) {
    if (power !== "unknown" || powerReason === "") continue;
    causes.set(powerReason, [...(causes.get(powerReason) ?? []), name]);
  }
  for (const [reason, names] of causes) lines.push(`power of ${nodesText(names)}: ${reason}`);
  return lines;
}

function nodesText(names: readonly string[]): string {
  return names.length > NAMES_SHOWN ? countText(names.length, "node") : names.join(", ");
}

function rowOf(node: NodeStatus): string[] {
  const image = node.image === null ? "" : `${node.image}${node.incomplete ? " (a part)" : ""}`;
  return [node.name, node.power, pingText(node), stateText(node), image, lastText(node)];
}

/** What the node does; once it has a verdict, the word of that. */
function stateText({ phase, verdict }: NodeStatus): string {
  if (verdict === null) return phase;
  return isOk(verdict) ? "ok" : verdict.code;
}

function pingText(node: NodeStatus): string {
  if (node.reachable === null) return "not asked";
  return node.pingMs === null ? "no answer" : `${node.pingMs.toFixed(1)} ms`;
}

function lastText(node: NodeStatus): string {
  if (node.job !== null) return `job ${node.job}`;
  if (node.verdict === null) return "";
  return `${node.verdict.at.slice(0, 16).replace("T", " ")} ${verdictText(node.verdict)}`;
}

const HEAD = ["node", "power", "ping", "state", "image", "last"];
const DROP = ["ping", "power", "image"];
/** More nodes than these are counted. */
const NAMES_SHOWN = 4;
