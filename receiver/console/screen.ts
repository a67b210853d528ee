/**
 * The lines on the node's console: one per change, in plain text, so that a serial console shows
 * them, too.
 *
 * Every line begins with "huck:"; programs that watch a serial port look for the words after it.
 */
import type { Verdict } from "../../shared/control/verdict.ts";
import { isOk } from "../../shared/control/verdict.ts";
import type { NodeProgress } from "../link/reporter.ts";

/** @returns One line without its line end. */
export function phaseLine(node: string, standing: NodeProgress): string {
  return `huck: ${node} ${standing.phase}: ${standing.detail}`;
}

/** @returns The result, and for a failure the cure and whether the disk boots. */
export function verdictLines(node: string, verdict: Verdict): string[] {
  if (isOk(verdict)) return [`huck: ${node} verdict ${verdict.code}: ${verdict.reason}`];
  const lines = [
    `huck: ${node} verdict ${verdict.code} while ${verdict.phase}: ${verdict.reason}`,
    `huck: what to do: ${verdict.cure}`,
  ];
  if (verdict.diskUntouched) lines.push("huck: the disk was not touched");
  if (verdict.incomplete)
    lines.push("huck: INCOMPLETE: the disk will not boot until it is loaded again");
  return lines;
}
