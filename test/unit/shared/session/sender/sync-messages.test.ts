/**
 * Goal: SYNCs come when there is something to ask or to measure, and a full batch loses no
 * question. Method: questions over a schedule with nothing open, virtual time.
 */
import { expect, test } from "vitest";
import { Outbox } from "../../../../../shared/session/sender/outbox.ts";
import { SENDER_POLICY } from "../../../../../shared/session/sender/policy.ts";
import { ProactiveParity } from "../../../../../shared/session/sender/proactive.ts";
import { SyncMessages } from "../../../../../shared/session/sender/sync-messages.ts";
import { RateControl } from "../../../../../shared/session/sender/rate.ts";
import { Repairs } from "../../../../../shared/session/sender/repair.ts";
import { Schedule } from "../../../../../shared/session/sender/schedule.ts";
import { messageFlags } from "../../../../../shared/wire/header.ts";
import { TestBatch } from "./batch.ts";
import { blockOf, cacheOf, load } from "./blocks.ts";
import { senderOptions } from "./options.ts";

const GROUP_STATE = { members: 4, roundTripMs: 5, lossQ16: 0 };

function setUp(): {
  readonly questions: SyncMessages;
  readonly repairs: Repairs;
  readonly outbox: Outbox;
  readonly batch: (most: number) => TestBatch;
  readonly flags: (batch: TestBatch) => number[];
  readonly block: ReturnType<typeof blockOf>;
} {
  const options = senderOptions();
  const { cache } = cacheOf(4);
  const block = blockOf(load(cache, 1, 10));
  const outbox = new Outbox(options);
  const repairs = new Repairs();
  const rate = new RateControl(SENDER_POLICY, options.rateCap);
  const proactive = new ProactiveParity();
  const schedule = new Schedule({ cache, proactive, interleave: 2, chunkCount: 1 });
  const policy = SENDER_POLICY;
  const view = new DataView(options.arena.memory.buffer);
  return {
    questions: new SyncMessages({ policy, outbox, schedule, repairs, rate }),
    repairs,
    outbox,
    block,
    batch: (most) => new TestBatch(options.arena, most),
    flags: (batch) => batch.take().map(({ offset }) => messageFlags(view, offset)),
  };
}

test("syncDueAt() is at once when a block waits and nothing else is to be sent", () => {
  const { questions, block } = setUp();
  questions.ask(block, 10);
  expect(questions.syncDueAt()).toBe(-Infinity);
});

test("sync() counts up, and asks for an echo now and then only", () => {
  const { questions, outbox, batch, flags } = setUp();
  const target = batch(10);
  outbox.begin(target);
  for (const now of [0, 20, 40, 60, 80, 100]) questions.sync(GROUP_STATE, now);
  outbox.finish();
  expect(questions.syncNo).toBe(6);
  expect(flags(target)).toEqual([4, 0, 0, 0, 0, 4]);
});

test("sync() into a full batch keeps its questions and its number", () => {
  const { questions, outbox, batch, block } = setUp();
  questions.ask(block, 0);
  outbox.begin(batch(0));
  expect(questions.sync(GROUP_STATE, 0)).toBe(false);
  expect(questions.syncNo).toBe(0);
  expect(questions.syncDueAt()).toBe(-Infinity);
  outbox.finish();
});

test("adv() repeats what was heard, at most every 2 ms, and not to two members", () => {
  const { questions, outbox, repairs, batch, block } = setUp();
  const target = batch(10);
  outbox.begin(target);
  repairs.ask(block, 3, 1);
  questions.adv(2, 10);
  repairs.ask(block, 4, 1);
  questions.adv(5, 11);
  expect(target.take()).toHaveLength(0);
  questions.adv(5, 12);
  expect(target.take()).toHaveLength(1);
  outbox.finish();
});
