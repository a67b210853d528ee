/**
 * Goal: a screen fits its terminal whatever the size, and people see trouble first.
 *
 * Method: boards of many sizes drawn into rooms of many sizes.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { BootReport } from "../../../../../shared/control/operator-api.ts";
import { Board } from "../../../../../server/cli/remote/board.ts";
import {
  bootLines,
  drawBoard,
  eventLine,
  verdictLinesOf,
  verdictText,
} from "../../../../../server/cli/remote/text.ts";
import { verdictOf } from "../../../../rig/lab-kit.ts";

const at = "2026-01-01T12:34:56.000Z";

function boardOf(count: number): Board {
  const board = new Board(
    Array.from({ length: count }, (_, index) => `fit${index}`),
    0,
  );
  let seq = 0;
  for (const [index, { node }] of board.rows.entries()) {
    seq += 1;
    if (index % 3 === 0) {
      board.take({
        kind: "verdict",
        seq,
        at,
        node,
        verdict: verdictOf(index % 6 === 0 ? "ok" : "disk_too_small"),
      });
    } else if (index % 3 === 1) {
      board.take({ kind: "phase", seq, at, node, phase: "receiving", detail: "" });
      seq += 1;
      board.take({
        kind: "progress",
        seq,
        at,
        node,
        doneBytes: 5e8,
        totalBytes: 1e9,
        bytesPerSecond: 1.17e8,
        loss: 0.01,
      });
    }
  }
  return board;
}

test("drawBoard() fits every terminal and counts what it leaves out", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 50 }),
      (columns, rows, nodes) => {
        const lines = drawBoard("load x", boardOf(nodes), { columns, rows });
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
        if (nodes <= rows - 1) expect(lines).toHaveLength(nodes + 1);
      },
    ),
    { numRuns: 60 },
  );
  expect(drawBoard("load x", boardOf(50), { columns: 80, rows: 10 }).at(-1)).toBe(
    "... and 42 more",
  );
});

test("drawBoard() shows nodes that are not ok first when there is no room for all", () => {
  const lines = drawBoard("load x", boardOf(30), { columns: 100, rows: 5 });
  expect(lines[0]).toBe("load x: 5 of 30 ok, 5 NOT, 117 MB/s");
  for (const line of lines.slice(1, 4)) expect(line).toContain("NOT OK disk_too_small");
});

test("drawBoard() draws a bar with percentage, rate and loss", () => {
  const [, , row] = drawBoard("load x", boardOf(2), { columns: 100, rows: 5 });
  expect(row).toBe(
    "fit1 receiving [####################....................]  50%   117 MB/s loss  1.0%",
  );
});

test("P11: verdictText() says code, reason, cure, and what the disk is", () => {
  expect(verdictText(verdictOf("ok"))).toBe("ok");
  expect(verdictText(verdictOf("ok_unchanged"))).toBe("ok (nothing differed)");
  const half = { ...verdictOf("lost"), incomplete: true };
  expect(verdictText(half)).toBe(
    "NOT OK lost: the reason. The disk is incomplete and does not boot. The cure.",
  );
});

test("eventLine() gives one line per event and none for progress", () => {
  const line = eventLine({
    kind: "verdict",
    seq: 1,
    at,
    node: "fit01",
    verdict: verdictOf("lost"),
  });
  expect(line).toBe("12:34:56 fit01: NOT OK lost: the reason. The cure.");
  const progress = {
    kind: "progress",
    seq: 1,
    at,
    node: "n",
    doneBytes: 0,
    totalBytes: 1,
    bytesPerSecond: 0,
    loss: 0,
  } as const;
  expect(eventLine(progress)).toBeUndefined();
  expect(
    eventLine({ kind: "phase", seq: 1, at, node: "n", phase: "leaving", detail: "by kexec" }),
  ).toBe("12:34:56 n: leaving, leaves for its own system (by kexec)");
  expect(eventLine({ kind: "note", seq: 1, at, level: "error", text: "no" })).toBe(
    "12:34:56 server: error: no",
  );
  expect(
    eventLine({ kind: "end", seq: 1, at, image: "x", nodesOk: 1, nodesNotOk: 2, aborted: true }),
  ).toBe("12:34:56 1 of 3 nodes ok, aborted");
});

test("verdictLinesOf() says a cause once, with all the nodes that it has hit", () => {
  const dead = Array.from({ length: 25 }, (_, index) => ({
    node: `fit${String(index + 1).padStart(2, "0")}`,
    verdict: verdictOf("lost"),
  }));
  const small = { node: "fit30", verdict: verdictOf("disk_too_small") };
  const lines = verdictLinesOf([...dead, small, { node: "fit31", verdict: verdictOf("ok") }]);
  const text = lines.join("\n");
  expect(text.match(/NOT OK lost/g)).toHaveLength(1);
  expect(lines[0]).toMatch(/^25 nodes: NOT OK lost: /);
  expect(lines.at(-1)).toMatch(/^fit30: NOT OK disk_too_small: /);
  for (const { node } of dead) expect(text).toContain(node);
  expect(text).not.toContain("fit31");
  for (const line of lines.slice(1, -1)) expect(line.length).toBeLessThanOrEqual(80);
});

test("drawBoard() begins a new bar with each phase, and its rate is that of the image", () => {
  const board = new Board(["fit01"], 0);
  const common = { at, node: "fit01" } as const;
  const moved = { doneBytes: 5e8, totalBytes: 1e9, bytesPerSecond: 1e8, loss: 0 };
  const draw = (): string[] => drawBoard("load", board, { columns: 100, rows: 5 });
  board.take({ kind: "phase", seq: 1, ...common, phase: "scanning", detail: "" });
  board.take({ kind: "progress", seq: 2, ...common, ...moved });
  expect(draw()[0]).toBe("load: 0 of 1 ok");
  board.take({ kind: "phase", seq: 3, ...common, phase: "booting", detail: "" });
  expect(draw()[1]?.trimEnd()).toBe("fit01 booting");
  board.take({ kind: "phase", seq: 4, ...common, phase: "receiving", detail: "" });
  board.take({ kind: "progress", seq: 5, ...common, ...moved });
  expect(draw()[0]).toBe("load: 0 of 1 ok, 100 MB/s");
});

test("bootLines() shows an unknown MAC with the reason, and what was counted", () => {
  const asker = { firstAt: at, lastAt: at, count: 3, via: "dhcp", what: "discover by pxe on bios" };
  const report: BootReport = {
    mode: "proxy",
    askers: [
      {
        ...{ ...asker, mac: "52:54:00:99:00:01", address: null, node: null },
        ...{ outcome: "unknown_node", reason: "no answer: no node in huck.yaml has this MAC" },
        recent: [],
      },
    ],
    counters: [
      { service: "dhcp", outcome: "unknown_node", count: 3 },
      { service: "tftp", outcome: "lost", count: 0 },
    ],
  };
  const lines = bootLines(report, Infinity);
  expect(lines[1]).toBe(
    "52:54:00:99:00:01  UNKNOWN  12:34:56    3      dhcp: discover by pxe on bios  " +
      "no answer: no node in huck.yaml has this MAC",
  );
  expect(lines.slice(2)).toEqual(["", "Since the server started:", "dhcp: unknown_node 3"]);
  expect(bootLines({ mode: "off", askers: [], counters: [] }, 80)).toHaveLength(1);
});

test("bootLines() tells the questions of a boot in order, and fits narrow terminals", () => {
  const mac = "52:54:00:00:00:01";
  const ask = (via: string, what: string, second: number, reason: string) => ({
    ...{ via, what, reason, count: 2, outcome: "answered" },
    at: `2026-01-01T12:00:0${second}.000Z`,
  });
  const recent = [
    ask("dhcp", "discover by pxe on bios", 1, "answered"),
    ask("tftp", "huck/undionly.kpxe", 2, "began"),
    ask("http", "/kernel", 3, "refused: no such file is published for it"),
  ];
  const last = { via: "http", what: "/kernel", outcome: "not_found", reason: "refused" };
  const asker = { mac, address: null, node: "fit01", firstAt: at, lastAt: at, count: 9, ...last };
  const report: BootReport = { mode: "full", askers: [{ ...asker, recent }], counters: [] };
  expect(bootLines(report, Infinity)).toEqual([
    "who                node   last (UTC)  times  asked                          what was done",
    "52:54:00:00:00:01  fit01  before      3                                     not kept",
    "                          12:00:01    2      dhcp: discover by pxe on bios  answered",
    "                          12:00:02    2      tftp: huck/undionly.kpxe       began",
    "                          12:00:03    2      http: /kernel                  " +
      "refused: no such file is published for it",
  ]);
  for (const columns of [80, 60, 40]) {
    const lines = bootLines(report, columns);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(lines.join(" ").split(/\s+/)).toContain("huck/undionly.kpxe");
  }
});

test("drawBoard() cuts no word on 40 columns, and keeps counts, names and percentages", () => {
  const board = boardOf(6);
  const words = new Set(
    drawBoard("load ubuntu to 6 nodes, job 12345678", board, { columns: 400, rows: 10 })
      .join(" ")
      .split(/\s+/),
  );
  const lines = drawBoard("load ubuntu to 6 nodes, job 12345678", board, { columns: 40, rows: 10 });
  for (const line of lines) {
    expect(line.length).toBeLessThanOrEqual(40);
    for (const word of line.replace(/\.\.\.$/, "").split(/\s+/)) {
      if (!word.startsWith("[")) expect(words).toContain(word);
    }
  }
  expect(lines[0]).toBe("1 of 6 ok, 1 NOT, 117 MB/s");
  expect(lines[2]).toMatch(/^fit1 receiving \[#+\.+\]  50% +117 MB\/s$/);
});
