/**
 * Goal: a reception joins, answers, completes, and gives up for a named reason (P3).
 * Method: the engine with a sender played by hand; whole sessions are the simulator's.
 */
import { expect, test } from "vitest";
import type { ReceptionOptions } from "../../../../../shared/session/reception/contract.ts";
import { createReception } from "../../../../../shared/session/reception/engine.ts";
import type { Reception } from "../../../../../shared/session/reception/engine.ts";
import { reportedStateOf } from "../../../../../shared/session/reception/receiver-messages.ts";
import { MessageType, bodyReader, receiverMessageType } from "../../../../../shared/wire/header.ts";
import { readNack } from "../../../../../shared/wire/nack.ts";
import { readReport } from "../../../../../shared/wire/report.ts";
import type { Report } from "../../../../../shared/wire/report.ts";
import { SID, Stage, receptionOptions } from "./options.ts";

interface Heard {
  readonly reports: Report[];
  readonly nacks: ReturnType<typeof readNack>[];
}

class Play {
  readonly stage: Stage;
  readonly engine: Reception;
  readonly #batch: number;

  constructor(changes: Partial<ReceptionOptions> = {}) {
    const options = receptionOptions(changes);
    this.stage = new Stage(options);
    this.#batch = options.arena.region(65_536);
    this.engine = createReception(options);
    this.engine.tick(0);
  }

  /** Everything the engine says at a moment, checked for tag and address. */
  hear(now: number): Heard {
    const { arena, tagger } = this.stage.options;
    const heard: Heard = { reports: [], nacks: [] };
    const said: { offset: number; length: number }[] = [];
    let used = this.#batch;
    this.engine.tick(now);
    this.engine.transmit(
      {
        add: (length, remote) => {
          expect(remote).toEqual({ address: this.stage.remote.address, port: 7000 });
          const offset = used;
          used += length;
          said.push({ offset, length });
          return offset;
        },
      },
      now,
    );
    const view = new DataView(arena.memory.buffer);
    for (const { offset, length } of said) {
      expect(tagger.check(offset, length)).toBe(true);
      const reader = bodyReader(arena.bytes, offset, length);
      const type = receiverMessageType(view, offset, length);
      if (type === MessageType.report) heard.reports.push(readReport(reader));
      if (type === MessageType.nack) heard.nacks.push(readNack(reader));
    }
    return heard;
  }

  /** Sends chunks whole and keeps them. */
  receiveChunks(chunks: readonly number[], now: number): void {
    for (const chunk of chunks) {
      for (let symbol = 0; symbol < 4; symbol += 1)
        this.stage.data(this.engine, chunk, symbol, now);
    }
    for (const request of this.engine.requests()) {
      expect(request.kind).toBe("deliver");
      this.engine.complete({ kind: "delivered", chunk: request.chunk, outcome: "ok" }, now);
    }
  }
}

test("a reception joins the first session announced and reports what it lacks", () => {
  const play = new Play();
  play.stage.announce(play.engine, {}, 10);
  expect(play.engine.events()).toMatchObject([
    { kind: "session", facts: { sid: SID, symbolBytes: 32, chunkCount: 3 }, lanes: 8 },
  ]);
  const [report] = play.hear(14).reports;
  expect(report).toMatchObject({ node: 5, state: "waiting", lacking: 3 });
  expect(report?.ranges).toEqual([{ start: 0, end: 3 }]);
});

test("a reception that was ordered another session ignores this one", () => {
  const play = new Play({ sid: SID + 1n });
  play.stage.announce(play.engine, {}, 10);
  expect(play.engine.events()).toEqual([]);
  expect(play.engine.stats().dropped).toBe(1);
});

test("a reception keeps chunks, says it is done, and ends when that is acknowledged", () => {
  const play = new Play();
  play.stage.announce(play.engine, {}, 0);
  play.receiveChunks([2, 0, 1], 20);
  expect(play.engine.events().map((event) => event.kind)).toEqual([
    "session",
    "reached",
    "started",
    "complete",
  ]);
  expect(play.hear(21).reports).toMatchObject([{ state: "done", chunksDone: 3 }]);
  play.stage.control(play.engine, { op: "ack", node: 6 }, 22);
  expect(play.engine.events()).toEqual([]);
  play.stage.control(play.engine, { op: "ack", node: 5 }, 23);
  expect(play.engine.events()).toEqual([{ kind: "ended", outcome: "complete" }]);
  expect(play.engine.nextWakeup()).toBe(Infinity);
});

test("a reception answers a SYNC with what it lacks", () => {
  const play = new Play();
  play.stage.announce(play.engine, {}, 0);
  play.hear(10);
  play.stage.data(play.engine, 1, 0, 20);
  const blocks = [{ chunk: 1, block: 0, value: 0 }];
  play.stage.sync(play.engine, { blocks, syncNo: 9 }, 21);
  expect(play.hear(22).nacks).toMatchObject([
    { node: 5, syncNo: 9, hold100us: 10, blocks: [{ chunk: 1, block: 0, value: 3 }] },
  ]);
});

test("a reception ends without acknowledgement after a bounded number of reports", () => {
  const play = new Play({ policy: { doneReportsMax: 3, doneReportMs: 10 } });
  play.stage.announce(play.engine, {}, 0);
  play.receiveChunks([0, 1, 2], 5);
  let reports = 0;
  for (let now = 5; now < 200; now += 1) reports += play.hear(now).reports.length;
  expect(reports).toBe(3);
  expect(play.engine.events().at(-1)).toEqual({ kind: "ended", outcome: "complete" });
});

/** Time after which an END counts. Unit: milliseconds. */
const QUIET_MS = 300;

test("an END that other datagrams of the session follow is not believed", () => {
  const play = new Play({ canFetch: true });
  play.stage.announce(play.engine, {}, 0);
  play.receiveChunks([1], 5);
  for (let now = 10; now < 5000; now += 100) {
    play.stage.control(play.engine, { op: "end", outcome: "aborted", reason: "forged" }, now);
    play.stage.announce(play.engine, {}, now + 50);
    play.hear(now + 90);
  }
  expect(play.engine.stats()).toMatchObject({ phase: "receiving", fetched: 0 });
  play.receiveChunks([0, 2], 5000);
  play.stage.control(play.engine, { op: "end", outcome: "aborted", reason: "forged" }, 5001);
  expect(play.hear(5001).reports).toMatchObject([{ state: "done" }]);
});

test("END while chunks lack fails the reception, or fetches the rest", () => {
  for (const canFetch of [false, true]) {
    const play = new Play({ canFetch });
    play.stage.announce(play.engine, {}, 0);
    play.receiveChunks([1], 5);
    const end = { op: "end" as const, outcome: "partial" as const, reason: "time" };
    play.stage.control(play.engine, end, 10);
    play.hear(QUIET_MS + 10);
    const fetched = play.engine.requests().map(({ kind, chunk }) => [kind, chunk]);
    expect(fetched).toEqual(
      canFetch
        ? [
            ["fetch", 0],
            ["fetch", 2],
          ]
        : [],
    );
    for (const [, chunk] of fetched) {
      const result = { kind: "fetched" as const, chunk: Number(chunk), outcome: "ok" as const };
      play.engine.complete(result, 20);
    }
    play.hear(21);
    const events = play.engine.events();
    if (canFetch) expect(events.at(-1)).toEqual({ kind: "ended", outcome: "complete" });
    else {
      expect(events.at(-1)).toEqual({
        kind: "ended",
        outcome: "failed",
        code: "session_ended",
        reason: "session ended: time; 2 chunks lacking",
      });
    }
  }
});

test("an aborted session fails the reception with the sender's reason", () => {
  const play = new Play();
  play.stage.announce(play.engine, {}, 0);
  play.stage.control(play.engine, { op: "end", outcome: "aborted", reason: "torn image" }, 5);
  play.hear(QUIET_MS);
  expect(play.engine.events().at(-1)).toEqual({
    kind: "ended",
    outcome: "failed",
    code: "session_aborted",
    reason: "torn image",
  });
});

test("P3: silence is told, and a lost sender ends the reception", () => {
  const play = new Play({ policy: { silentMs: 100, lostSenderMs: 300 } });
  play.stage.announce(play.engine, {}, 0);
  play.engine.events();
  for (let now = 0; now <= 310; now += 10) play.hear(now);
  expect(play.engine.events()).toMatchObject([
    { kind: "silent" },
    { kind: "ended", outcome: "failed", code: "sender_lost" },
  ]);
});

test("no session, a ring that is too small, an operator: each has its own reason", () => {
  const nobody = new Play({ policy: { sessionWaitMs: 50 } });
  nobody.hear(50);
  expect(nobody.engine.events().at(-1)).toMatchObject({ code: "no_session" });
  const small = new Play();
  small.stage.announce(small.engine, { recordBytesMax: 16_384 }, 0);
  expect(reportedStateOf(undefined, false, 0).state).toBe("waiting");
  expect(small.hear(1).reports).toMatchObject([
    { state: "failed", reason: expect.stringMatching(/ring of \d+ bytes/) as string },
  ]);
  const stopped = new Play();
  stopped.stage.announce(stopped.engine, {}, 0);
  stopped.engine.complete({ kind: "abort", reason: "disk error" }, 5);
  expect(stopped.hear(6).reports).toMatchObject([{ state: "left", reason: "aborted: disk error" }]);
});

test("a chunk that lacks again after completion reopens the reception", () => {
  const play = new Play();
  play.stage.announce(play.engine, {}, 0);
  play.receiveChunks([0, 1, 2], 5);
  play.engine.complete({ kind: "lacking", chunks: [{ start: 1, end: 2 }] }, 6);
  expect(play.engine.stats()).toMatchObject({ phase: "receiving", lacking: 1 });
  play.receiveChunks([1], 7);
  expect(play.engine.stats().lacking).toBe(0);
});

test("a session that ends before anything came is over at once, announced or not", () => {
  for (const announced of [true, false]) {
    const play = new Play({ sid: SID, canFetch: true });
    if (announced) play.stage.announce(play.engine, {}, 0);
    play.stage.control(play.engine, { op: "end", outcome: "complete", reason: "" }, 5);
    play.hear(QUIET_MS + 6);
    expect(play.engine.events().at(-1)).toMatchObject({ kind: "ended", code: "session_ended" });
    expect(play.engine.requests()).toEqual([]);
  }
});

test("reports go to the sender that is known, whoever announces", () => {
  const play = new Play({ sender: { address: "10.0.0.1", port: 7000 } });
  play.stage.remote = { address: "10.6.6.6", port: 9 };
  play.stage.announce(play.engine, {}, 0);
  play.stage.remote = { address: "10.0.0.1", port: 7000 };
  expect(play.hear(50).reports).toHaveLength(1);
});

test("the first probe or data of full length is told, once, and no shorter message is", () => {
  const play = new Play();
  play.stage.announce(play.engine, {}, 0);
  play.stage.sync(play.engine, {}, 1);
  expect(kindsOf(play.engine)).not.toContain("reached");
  for (const index of [0, 1, 3]) play.stage.probe(play.engine, index, 5);
  expect(kindsOf(play.engine).filter((kind) => kind === "reached")).toHaveLength(1);
  const late = new Play();
  late.stage.announce(late.engine, {}, 0);
  late.receiveChunks([0], 5);
  expect(kindsOf(late.engine)).toContain("reached");
});

function kindsOf(engine: Play["engine"]): readonly string[] {
  return engine.events().map(({ kind }) => kind);
}

test("forged and torn datagrams are counted and change nothing", () => {
  const play = new Play();
  play.stage.announce(play.engine, {}, 0);
  const { arena } = play.stage.options;
  const offset = arena.region(4096);
  const before = play.engine.stats();
  for (let length = 0; length < 64; length += 1) {
    arena.bytes.fill(length * 3, offset, offset + length);
    play.engine.receive({ offset, length, remote: play.stage.remote, dropped: 0 }, 1);
  }
  expect(play.engine.stats()).toEqual({ ...before, dropped: before.dropped + 64 });
});
