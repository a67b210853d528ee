/**
 * The server's own log of jobs: one line when a job begins, when a node has its verdict, when
 * somebody must know something, and when the job ends. So the log alone tells who had what done to
 * which node, also after the journal has forgotten the job.
 */
import type { Event } from "../../shared/control/event.ts";
import { principalText } from "../../shared/control/principal.ts";
import { isOk } from "../../shared/control/verdict.ts";

/** A line of the log. */
export interface JobLine {
  readonly level: "info" | "warn";
  readonly text: string;
}

/** Gives the line of an event; undefined for one that would fill the log: phases and progress. */
export function jobLine(event: Event): JobLine | undefined {
  const text = textOf(event);
  if (text === undefined) return undefined;
  return { level: isTrouble(event) ? "warn" : "info", text: `job ${event.job ?? ""}: ${text}` };
}

function textOf(event: Event): string | undefined {
  switch (event.kind) {
    case "begin": {
      const { action, image, nodes, principal } = event;
      return `${action} of ${image}, nodes: ${nodes}, begun by ${principalText(principal)}`;
    }
    case "verdict": {
      const { code, reason } = event.verdict;
      return `${event.node}: ${isOk(event.verdict) ? code : `NOT OK ${code}: ${reason}`}`;
    }
    case "note":
      return `${event.node ?? "all"}: ${event.text}`;
    case "end": {
      const { image, nodesOk, nodesNotOk, aborted } = event;
      const counts = `nodes ok: ${nodesOk}, not ok: ${nodesNotOk}`;
      return `${image} has ended${aborted ? " by an abort" : ""}, ${counts}`;
    }
    case "phase":
    case "progress":
      return undefined;
  }
}

function isTrouble(event: Event): boolean {
  if (event.kind === "verdict") return !isOk(event.verdict);
  return event.kind === "note" && event.level !== "info";
}
