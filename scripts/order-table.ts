/**
 * Prints the transition table of an order into shared/control/CONTROL.md:
 * `node scripts/order-table.ts`.
 *
 * The text between the two marks of the document is replaced; a unit test compares it with what is
 * printed here, so that the document cannot differ from server/jobs/order-table.ts.
 */
import { readFileSync, writeFileSync } from "node:fs";
import {
  NODE_EVENTS,
  ORDER_ACTIONS,
  ORDER_GUARDS,
  ORDER_STATES,
  ORDER_TABLE,
  OTHER_EVENTS,
} from "../server/jobs/order-table.ts";
import type { OrderCell, OrderEvent, OrderState } from "../server/jobs/order-table.ts";

const BEGIN = "<!-- printed by scripts/order-table.ts -->";
const END = "<!-- end of what is printed -->";

/** Puts the printed table between the marks of a document. */
export function withOrderTable(document: string): string {
  const [before, rest] = halves(document, BEGIN);
  const [, after] = halves(rest, END);
  return `${before}${BEGIN}\n${orderTable()}${END}${after}`;
}

function halves(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  if (at < 0) throw new Error(`Cannot print the table: the document lacks "${mark}"`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}

function orderTable(): string {
  const notes = new Map<string, number>();
  const parts = [
    list(ORDER_STATES),
    "What a node does:",
    ...eventTable(Object.keys(NODE_EVENTS) as OrderEvent[], notes),
    "",
    list(NODE_EVENTS),
    "What happens around it:",
    ...eventTable(Object.keys(OTHER_EVENTS) as OrderEvent[], notes),
    "",
    list(OTHER_EVENTS),
    "Conditions: " + sentence(ORDER_GUARDS),
    "",
    "What is done: " +
      Object.values(ORDER_ACTIONS)
        .map(([key, text]) => `**${key}** ${text}`)
        .join("; ") +
      ".",
    "",
    "A dash: nothing follows, because (n); a cross: cannot happen, because (n).",
    "",
    ...[...notes].map(([why, number]) => `${number}. ${why}`),
  ];
  return `${parts.join("\n")}\n`;
}

function eventTable(events: readonly OrderEvent[], notes: Map<string, number>): string[] {
  const states = Object.keys(ORDER_STATES) as OrderState[];
  return [
    "",
    row(["", ...events]),
    row(["---", ...events.map(() => "---")]),
    ...states.map((state) =>
      row([`**${state}**`, ...events.map((event) => cellText(ORDER_TABLE[state][event], notes))]),
    ),
  ];
}

function cellText(cell: OrderCell, notes: Map<string, number>): string {
  if (cell.kind !== "moves") {
    const number = notes.get(cell.why) ?? notes.size + 1;
    notes.set(cell.why, number);
    return `${cell.kind === "ignored" ? "–" : "×"} ${number}`;
  }
  return cell.moves
    .map(({ when, to, does }) => {
      const actions = does.map((action) => ORDER_ACTIONS[action][0]).join("");
      return `${when === undefined ? "" : `${when}: `}${to} ${actions}`.trim();
    })
    .join("; else ");
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function list(texts: Readonly<Record<string, string>>): string {
  return `${Object.entries(texts)
    .map(([key, text]) => `- **${key}**: ${text}`)
    .join("\n")}\n`;
}

function sentence(texts: Readonly<Record<string, string>>): string {
  return `${Object.entries(texts)
    .map(([key, text]) => `**${key}**: ${text}`)
    .join("; ")}.`;
}

if (import.meta.main) {
  const path = "shared/control/CONTROL.md";
  writeFileSync(path, withOrderTable(readFileSync(path, "utf8")));
}
