/**
 * What a person in front of the node reads: one line per change, all plain text, so that a serial
 * console shows it too.
 *
 * Lines begin with "huck:"; programs that watch a serial port look for the words after it.
 */
import type { Verdict } from "../../shared/control/verdict.ts";
import { isOk } from "../../shared/control/verdict.ts";
import type { Standing } from "../link/reporter.ts";

/**
 * The line of a phase.
 *
 * @returns One line without its end.
 */
export function phaseLine(node: string, standing: Standing): string {
  return `huck: ${node} ${standing.phase}: ${standing.detail}`;
}

/**
 * The lines of a verdict.
 *
 * @returns Lines: result, and for a bad one what to do and whether the disk boots.
 */
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
