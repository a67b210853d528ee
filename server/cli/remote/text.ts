/**
 * Texts of verbs that follow a job: bars for a terminal, lines for a pipe, verdicts for people.
 *
 * A screen is a list of lines that fit its columns and rows. If there are more nodes than rows, the
 * nodes that need attention come first and the others are counted.
 */
import type { Event } from "../../../shared/control/event.ts";
import type { AskerEntry, BootReport } from "../../../shared/control/operator-api.ts";
import { principalText } from "../../../shared/control/principal.ts";
import { PHASE_SENTENCES, isOk } from "../../../shared/control/verdict.ts";
import type { Verdict } from "../../../shared/control/verdict.ts";
import { countText, rateText } from "../quantity-text.ts";
import { clipped, table } from "../layout.ts";
import type { Room } from "../terminal.io.ts";
import type { Board, Row } from "./board.ts";

/**
 * Draws a job in at most `room.rows` lines of at most `room.columns` characters.
 *
 * @param title - For the first line.
 * @param room - At least one row.
 */
export function drawBoard(title: string, board: Board, room: Room): string[] {
  const { rows } = board;
  const failed = rows.filter(({ verdict }) => verdict !== undefined && !isOk(verdict)).length;
  const rate = Math.max(0, ...rows.filter(isMoving).map((row) => row.bytesPerSecond));
  const counts = `${board.okCount} of ${rows.length} ok${failed > 0 ? `, ${failed} NOT` : ""}`;
  const pace = rate > 0 ? `, ${rateText(rate)}` : "";
  const heads = [`${title}: ${counts}${pace}`, `${title}: ${counts}`, `${counts}${pace}`, counts];
  const space = room.rows - 1;
  const fits = rows.length <= space;
  const shown = fits ? rows : [...rows].sort(byNeed).slice(0, Math.max(0, space - 1));
  const drawn = shown.map((row) => drawRow(row, nameWidth(rows), room.columns));
  const lines = [firstThatFits(heads, room.columns), ...drawn];
  if (!fits && space > 0) lines.push(`... and ${rows.length - shown.length} more`);
  return lines.slice(0, room.rows).map((line) => clipped(line, room.columns));
}

/**
 * Draws one node: name, phase, bar, percentage, rate and loss. In a narrow line, loss, rate and bar
 * are left out, in this order.
 */
function drawRow(row: Row, nameColumns: number, columns: number): string {
  const name = row.node.padEnd(nameColumns);
  if (row.verdict !== undefined) return `${name} ${verdictText(row.verdict)}`;
  if (row.totalBytes === 0) return `${name} ${row.phase}`;
  const phase = row.phase.padEnd(PHASE_COLUMNS);
  const share = Math.min(1, row.doneBytes / row.totalBytes);
  const percent = `${String(Math.floor(share * 100)).padStart(3)}%`;
  const rate = rateText(row.bytesPerSecond).padStart(10);
  const tails = [` ${percent} ${rate} loss ${percentText(row.loss)}`, ` ${percent} ${rate}`];
  for (const tail of [...tails, ` ${percent}`]) {
    const space = columns - name.length - PHASE_COLUMNS - tail.length - 4;
    const width = Math.min(BAR_COLUMNS_MAX, space);
    if (width < BAR_COLUMNS_MIN) continue;
    const full = Math.round(share * width);
    return `${name} ${phase} [${"#".repeat(full)}${".".repeat(width - full)}]${tail}`;
  }
  return `${name} ${percent} ${row.phase}`;
}

function firstThatFits(texts: readonly string[], columns: number): string {
  return texts.find((text) => text.length <= columns) ?? texts.at(-1) ?? "";
}

/** Writes a verdict: `ok`, or the code with reason and cure. */
export function verdictText(verdict: Verdict): string {
  if (isOk(verdict)) return verdict.code === "ok" ? "ok" : "ok (nothing differed)";
  const disk = verdict.incomplete ? " The disk is incomplete and does not boot." : "";
  const cure = verdict.cure === "" ? "" : ` ${verdict.cure}`;
  return `NOT OK ${verdict.code}: ${sentence(verdict.reason)}${disk}${cure}`;
}

/** Writes an event in one line for a pipe or a log; undefined for progress, which is left out. */
export function eventLine(event: Event): string | undefined {
  const time = event.at.slice(11, 19);
  switch (event.kind) {
    case "begin":
      return `${time} begun by ${principalText(event.principal)}`;
    case "phase": {
      const sentence = PHASE_SENTENCES[event.phase];
      const more = event.detail === "" ? "" : ` (${event.detail})`;
      return `${time} ${event.node}: ${event.phase}, ${sentence}${more}`;
    }
    case "verdict":
      return `${time} ${event.node}: ${verdictText(event.verdict)}`;
    case "note": {
      const level = event.level === "info" ? "" : `${event.level}: `;
      return `${time} ${event.node ?? "server"}: ${level}${event.text}`;
    }
    case "end": {
      const all = event.nodesOk + event.nodesNotOk;
      return `${time} ${okText(event.nodesOk, all)}${event.aborted ? ", aborted" : ""}`;
    }
    case "progress":
      return undefined;
  }
}

/** The first digits of a job's id, which `huck job` takes as well as all of them. */
export function jobPrefix(job: string): string {
  return job.slice(0, 8);
}

/**
 * Writes the verdicts of nodes that are not right, in the order of the nodes. Nodes with equal
 * verdicts share a line, and their names follow it: forty dead nodes have one cause.
 */
export function verdictLinesOf(rows: readonly Pick<Row, "node" | "verdict">[]): string[] {
  const causes = new Map<string, string[]>();
  for (const { node, verdict } of rows) {
    if (verdict === undefined || isOk(verdict)) continue;
    const text = verdictText(verdict);
    causes.set(text, [...(causes.get(text) ?? []), node]);
  }
  return [...causes].flatMap(([text, nodes]) => {
    const [node] = nodes;
    if (nodes.length === 1) return [`${node ?? ""}: ${text}`];
    return [`${countText(nodes.length, "node")}: ${text}`, ...wrapped(nodes)];
  });
}

function wrapped(names: readonly string[]): string[] {
  const lines: string[] = [];
  let line = "";
  for (const name of names) {
    if (line !== "" && line.length + name.length + 2 > NAMES_COLUMNS) {
      lines.push(`  ${line},`);
      line = name;
    } else line = line === "" ? name : `${line}, ${name}`;
  }
  return [...lines, `  ${line}`];
}

/** Writes how many nodes are right: "1 of 2 nodes ok". */
export function okText(ok: number, all: number): string {
  return `${ok} of ${countText(all, "node")} ok`;
}

/** Writes who asked the boot services, a few lines each, and below it what was counted. */
export function bootLines({ mode, askers, counters }: BootReport, columns: number): string[] {
  if (mode === "off") return ["The boot services are off (server.dhcp in huck.yaml)."];
  const rows = askers.flatMap(rowsOfAsker);
  const none = "Nobody asked the boot services in the last hour.";
  const who =
    rows.length === 0 ? [none] : table([BOOT_HEAD, ...rows], { columns, drop: BOOT_DROP });
  const services = [...new Set(counters.map(({ service }) => service))];
  const sums = services.flatMap((service) => {
    const own = counters.filter((one) => one.service === service && one.count > 0);
    if (own.length === 0) return [];
    return [`${service}: ${own.map(({ outcome, count }) => `${outcome} ${count}`).join(", ")}`];
  });
  return [...who, ...(sums.length === 0 ? [] : ["", "Since the server started:", ...sums])];
}

/** One row for each question that is known, the oldest first; only the first names the asker. */
function rowsOfAsker(one: AskerEntry): string[][] {
  const { mac, address, node, count, lastAt, via, what, reason } = one;
  const who = [mac ?? address ?? "", node ?? (mac === null ? "-" : "UNKNOWN")];
  // A server of an older version tells the last question only.
  const asked = one.recent.length > 0 ? one.recent : [{ at: lastAt, count, via, what, reason }];
  const rows = asked.map((question) => [
    question.at.slice(11, 19),
    String(question.count),
    askedText(question),
    question.reason,
  ]);
  const earlier = count - asked.reduce((sum, question) => sum + question.count, 0);
  if (earlier > 0) rows.unshift(["before", String(earlier), "", "not kept"]);
  return rows.map((row, index) => [...(index === 0 ? who : ["", ""]), ...row]);
}

function askedText({ via, what }: Pick<AskerEntry, "via" | "what">): string {
  return what === "" ? via : `${via}: ${what}`;
}

const BOOT_HEAD = ["who", "node", "last (UTC)", "times", "asked", "what was done"];
const BOOT_DROP = ["times", "last (UTC)"];

function percentText(share: number): string {
  return `${(share * 100).toFixed(1).padStart(4)}%`;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function nameWidth(rows: readonly Row[]): number {
  return Math.min(NAME_COLUMNS_MAX, Math.max(...rows.map(({ node }) => node.length)));
}

/** Sorts nodes with trouble first, then those at work, then those that wait, then good ones. */
function byNeed(left: Row, right: Row): number {
  return need(left) - need(right);
}

/** Whether the rate of a row is that of its image: a scan or a read-back is no transfer. */
function isMoving({ phase, verdict }: Row): boolean {
  return verdict === undefined && (phase === "receiving" || phase === "capturing");
}

function need(row: Row): number {
  if (row.verdict !== undefined) return isOk(row.verdict) ? 3 : 0;
  return row.phase === "waiting" ? 2 : 1;
}

/** Longest of the usual phases: "receiving", "verifying", "capturing". */
const PHASE_COLUMNS = 9;
const NAMES_COLUMNS = 76;
const NAME_COLUMNS_MAX = 24;
const BAR_COLUMNS_MAX = 40;
const BAR_COLUMNS_MIN = 5;
