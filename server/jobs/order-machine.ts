/**
 * An order in memory, and the state machine that moves it.
 *
 * `happens` looks the event up in order-table.ts and makes the move in memory and in one
 * transaction of the journal, then as requests to the loop and as events to listeners. A move that
 * the journal cannot commit is undone (turns.ts). No other file writes to an order. What an order
 * only remembers (a refused upload, an image that the journal could not take yet) moves nothing.
 */
import assert from "node:assert/strict";
import type { StatusReport } from "../../shared/control/node-api.ts";
import type { Phase, Verdict } from "../../shared/control/verdict.ts";
import { ORDER_ARMS_MAX } from "../../shared/control/wanted-state.ts";
import { TokenBucket } from "../../shared/core/token-bucket.ts";
import type { EventDraft } from "./event-log.ts";
import { findingOf, verdictFrom } from "./findings.ts";
import type { Finding, Refusal } from "./findings.ts";
import type { JobRecord, OrderRecord } from "./journal.ts";
import type { OrderAction, OrderEvent, OrderGuard, OrderMove, OrderState } from "./order-table.ts";
import { ORDER_TABLE } from "./order-table.ts";
import type { Turns } from "./turns.ts";

/** How long the server waits for a node. Unit: milliseconds. */
export interface WaitBounds {
  /** From the start of a node to its join. */
  readonly bootMs: number;
  /** Between two contacts of a node at work. */
  readonly silenceMs: number;
  /** For a silent node to come back, if its order may still arm. 0: it is not waited for. */
  readonly returnMs: number;
}

/** An event, with the values that it carries. */
export type Occurrence =
  | { readonly event: "joined"; readonly nonce: string }
  | { readonly event: "armAllowed"; readonly detail: string }
  | { readonly event: "statusSaid"; readonly report: StatusReport }
  | { readonly event: "imageKept"; readonly imageId: string }
  | { readonly event: "verdictSaid"; readonly verdict: Verdict | Finding }
  | { readonly event: "entered"; readonly level: "info" | "error"; readonly text: string }
  | { readonly event: "imageDamaged"; readonly finding: Finding }
  | { readonly event: "journalBack"; readonly outageMs: number }
  | { readonly event: Exclude<OrderEvent, Told> };

type Told =
  | "joined"
  | "armAllowed"
  | "statusSaid"
  | "imageKept"
  | "verdictSaid"
  | "entered"
  | "imageDamaged"
  | "journalBack";

/** What the machine needs from its surroundings; {@link LabState} of lab-state.ts gives it. */
export interface OrderKeeper {
  readonly bounds: WaitBounds;
  jobOf(id: string): JobRecord;
  readonly turns: Turns;
  /** Writes the record to the journal. */
  putOrder(record: OrderRecord): void;
  /** Adds an event to the log. */
  tell(draft: EventDraft, now: number): void;
  /** Called when the order has its verdict: notes it for the node, and may end the job. */
  concluded(order: LiveOrder, verdict: Verdict, now: number): void;
  /** Asks the loop to start a node. */
  ask(request: { readonly kind: "enter"; readonly node: string; readonly order: string }): void;
  /** The boot answer of some node may have changed. */
  wantedChanged(): void;
}

/** A move in preparation: the actions fill it in, then all of it is written and takes effect. */
interface Draft {
  readonly record: { -readonly [Key in keyof OrderRecord]: OrderRecord[Key] };
  readonly events: EventDraft[];
  waitFrom: number | undefined;
  deadlineAt: number;
  verdict: Verdict | undefined;
  readonly after: (() => void)[];
}

/** An order in memory. `now` is always milliseconds since 1970. */
export class LiveOrder {
  readonly #keeper: OrderKeeper;
  #record: OrderRecord;
  #deadlineAt: number;
  #waitUntil: number;
  /** When the last progress event was made: milliseconds since 1970. */
  #progressAt = -Infinity;
  /** True once the operator was told that the node waits for the proof of its image. */
  #heldTold = false;
  /**
   * Why the last upload was refused. Not in the journal: it was told as an event, and a server that
   * starts again lets the node try once more.
   */
  #refusal: Refusal | undefined;
  /** The image that is in the store, while the journal could not take that. */
  #stored: string | undefined;
  /** Changes of phase that the node may still tell; each is written and shown. */
  readonly #phases: TokenBucket;

  /** The wait of the state that the record is in begins at `now`. */
  constructor(record: OrderRecord, keeper: OrderKeeper, now: number) {
    this.#record = record;
    this.#keeper = keeper;
    this.#phases = new TokenBucket(PHASES_PER_SECOND, PHASES_AT_ONCE, now);
    const { createdAt, deadlineAt } = this.job;
    // If the clock was set back since then, still wait no longer than the job asked for.
    this.#deadlineAt = Math.min(deadlineAt, now + (deadlineAt - createdAt));
    this.#waitUntil = this.#waitEnd(record.state, now);
  }

  /** The order as the journal has it. */
  get record(): OrderRecord {
    return this.#record;
  }

  /** The order's job as it is now. */
  get job(): JobRecord {
    return this.#keeper.jobOf(this.#record.job);
  }

  /** Why the last upload of the order was refused; undefined if it was not. */
  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  /** Notes that an upload was refused; undefined when the next one begins. Moves nothing. */
  noteRefusal(refusal: Refusal | undefined): void {
    this.#refusal = refusal;
  }

  /**
   * Notes that the image is durable. If the journal cannot take that, the order knows it all the
   * same: it is written before the next thing that may end the order.
   *
   * @throws What the journal throws.
   */
  imageStored(imageId: string, now: number): void {
    this.#stored = imageId;
    this.keepStored(now);
  }

  /** Writes that the image is durable, if that is still to be done. @throws As `happens`. */
  keepStored(now: number): void {
    if (this.#stored === undefined || this.#record.captured !== null) return;
    this.happens({ event: "imageKept", imageId: this.#stored }, now);
  }

  /** When the next `silence` or `deadline` is due: milliseconds since 1970. */
  get dueAt(): number {
    return Math.min(this.#waitUntil, this.#deadlineAt);
  }

  /**
   * Moves the order.
   *
   * @throws What the journal throws; then nothing has moved.
   */
  happens(occurrence: Occurrence, now: number): void {
    const { state } = this.#record;
    const cell = ORDER_TABLE[state][occurrence.event];
    if (cell.kind === "ignored") return;
    const what = `order ${this.#record.id}: ${occurrence.event} while ${state}`;
    assert(cell.kind === "moves", `${what}: ${cell.kind === "impossible" ? cell.why : ""}`);
    const move = cell.moves.find(({ when }) => when === undefined || this.#holds(when, occurrence));
    assert(move !== undefined, `${what}: no move`);
    this.#make(move, occurrence, now);
  }

  /** Makes `deadline` or `silence` happen if it is due. Time: milliseconds since 1970. */
  pass(now: number): void {
    this.keepStored(now);
    if (now >= this.#deadlineAt) this.happens({ event: "deadline" }, now);
    else if (now >= this.#waitUntil) this.happens({ event: "silence" }, now);
  }

  #holds(guard: OrderGuard, occurrence: Occurrence): boolean {
    const { armed, armedBy, captured, nonce } = this.#record;
    switch (guard) {
      case "armedByThisBoot":
        return armedBy !== null && armedBy === bootOf(occurrence, nonce);
      case "neverArmed":
        return armed === 0;
      case "imageKept":
        return captured !== null;
      case "mayReturn":
        return this.#keeper.bounds.returnMs > 0 && armed < ORDER_ARMS_MAX;
    }
  }

  #make(move: OrderMove, occurrence: Occurrence, now: number): void {
    const draft: Draft = {
      record: { ...this.#record, state: move.to },
      events: [],
      waitFrom: undefined,
      deadlineAt: this.#deadlineAt,
      verdict: undefined,
      after: [],
    };
    for (const action of move.does) this.#do(action, draft, occurrence, now);
    const isNew = !sameRecord(draft.record, this.#record);
    const writes = (): void => {
      if (isNew) this.#keeper.putOrder(draft.record);
      this.#become(draft);
      for (const event of draft.events) this.#keeper.tell(event, now);
      if (draft.verdict !== undefined) this.#keeper.concluded(this, draft.verdict, now);
      for (const step of draft.after) step();
    };
    // Every node reports every two seconds; a report that says nothing new costs no write.
    if (isNew || draft.events.length > 0) this.#keeper.turns.turn(writes);
    else writes();
  }

  #become(draft: Draft): void {
    const record = this.#record;
    const deadlineAt = this.#deadlineAt;
    const waitUntil = this.#waitUntil;
    const heldTold = this.#heldTold;
    this.#keeper.turns.onUndo(() => {
      this.#record = record;
      this.#deadlineAt = deadlineAt;
      this.#waitUntil = waitUntil;
      this.#heldTold = heldTold;
    });
    this.#record = draft.record;
    this.#deadlineAt = draft.deadlineAt;
    if (draft.waitFrom === undefined) return;
    this.#waitUntil = this.#waitEnd(draft.record.state, draft.waitFrom);
  }

  #do(action: OrderAction, draft: Draft, occurrence: Occurrence, now: number): void {
    const { record } = draft;
    switch (action) {
      case "phase":
        this.#phase(draft, occurrence, now);
        return;
      case "nonce":
        assert(occurrence.event === "joined");
        record.nonce = occurrence.nonce;
        return;
      case "arm":
        assert(record.armed < ORDER_ARMS_MAX, "an order arms at most twice");
        record.armed += 1;
        record.armedBy = record.nonce;
        return;
      case "image":
        assert(occurrence.event === "imageKept");
        record.captured = occurrence.imageId;
        return;
      case "verdict":
        record.verdict = draft.verdict = this.#verdict(occurrence, now);
        record.phase = "done";
        return;
      case "progress":
        draft.after.push(() => {
          this.#progress(occurrence, now);
        });
        return;
      case "note":
        this.#note(draft, occurrence);
        return;
      case "fault":
        assert(occurrence.event === "entered");
        record.enterFault = occurrence.level === "error" ? occurrence.text : undefined;
        return;
      case "wait":
        draft.waitFrom = now;
        return;
      case "hurry":
        draft.deadlineAt = Math.min(draft.deadlineAt, now + ABORT_WITHIN_MS);
        return;
      case "reprieve":
        draft.deadlineAt = Math.max(
          draft.deadlineAt + (occurrence.event === "journalBack" ? occurrence.outageMs : 0),
          now + this.#keeper.bounds.silenceMs,
        );
        return;
      case "enter":
        draft.after.push(() => {
          this.#keeper.ask({ kind: "enter", node: record.node, order: record.id });
        });
        return;
      case "answer":
        draft.after.push(() => {
          this.#keeper.wantedChanged();
        });
    }
  }

  #phase({ record, events }: Draft, occurrence: Occurrence, now: number): void {
    const { phase, detail } = this.#phaseOf(occurrence);
    const isNew = record.phase !== phase;
    if (!isNew && (detail === "" || occurrence.event === "statusSaid")) return;
    if (occurrence.event === "statusSaid" && !this.#phases.take(now)) return;
    record.phase = phase;
    events.push({ kind: "phase", job: record.job, node: record.node, phase, detail });
  }

  #phaseOf(occurrence: Occurrence): { readonly phase: Phase; readonly detail: string } {
    if (occurrence.event === "statusSaid") return occurrence.report;
    if (occurrence.event === "armAllowed") return { phase: "arming", detail: occurrence.detail };
    if (occurrence.event === "joined") return { phase: "joining", detail: "" };
    if (occurrence.event === "bootSeen") return { phase: "booting", detail: "" };
    assert(occurrence.event === "silence", "this event has a phase");
    const seconds = Math.round(this.#keeper.bounds.silenceMs / 1000);
    return { phase: "waiting", detail: `silent for ${seconds} s while ${this.#record.phase}` };
  }

  #note(draft: Draft, occurrence: Occurrence): void {
    const { job, node } = draft.record;
    const note = (level: "info" | "warning" | "error", text: string): void => {
      draft.events.push({ kind: "note", job, node, level, text: text.slice(0, TEXT_MAX) });
    };
    if (occurrence.event === "entered") note(occurrence.level, occurrence.text);
    else if (occurrence.event === "silence") {
      const seconds = Math.round(this.#keeper.bounds.returnMs / 1000);
      note("warning", `fell silent; may come back within ${seconds} s`);
    } else if (!this.#heldTold) {
      note("info", "waits until the image has been checked");
      draft.after.push(() => {
        this.#heldTold = true;
      });
    }
  }

  #progress(occurrence: Occurrence, now: number): void {
    if (occurrence.event !== "statusSaid" || occurrence.report.totalBytes === 0) return;
    if (now - this.#progressAt < PROGRESS_EVERY_MS) return;
    this.#progressAt = now;
    const { doneBytes, totalBytes, bytesPerSecond, loss } = occurrence.report;
    const { job, node } = this.#record;
    this.#keeper.tell(
      { kind: "progress", job, node, doneBytes, totalBytes, bytesPerSecond, loss },
      now,
    );
  }

  #verdict(occurrence: Occurrence, now: number): Verdict {
    const { silenceMs } = this.#keeper.bounds;
    const { job } = this;
    const captured = this.#record.captured ?? this.#stored ?? null;
    const record = { ...this.#record, captured };
    const subject = { record, job, silenceMs, refusal: this.#refusal };
    if (occurrence.event === "verdictSaid" && "at" in occurrence.verdict) return occurrence.verdict;
    const finding =
      occurrence.event === "verdictSaid"
        ? occurrence.verdict
        : occurrence.event === "imageDamaged"
          ? occurrence.finding
          : findingOf(occurrence.event, subject);
    return verdictFrom(finding, subject, now);
  }

  #waitEnd(state: OrderState, now: number): number {
    const { bootMs, silenceMs, returnMs } = this.#keeper.bounds;
    const starts = state === "waiting" || state === "booting";
    return now + (starts ? bootMs : state === "silent" ? returnMs : silenceMs);
  }
}

/** Nonce of the boot that acts. A boot that joins brings its own, which is not recorded yet. */
function bootOf(occurrence: Occurrence, nonce: string | null): string | null {
  return occurrence.event === "joined" ? occurrence.nonce : nonce;
}

/** @param one - Has every field that `other` has. */
function sameRecord(one: OrderRecord, other: OrderRecord): boolean {
  const keys = Object.keys(one) as (keyof OrderRecord)[];
  return keys.every((key) => one[key] === other[key]);
}

/** At most two a second per node (CONTROL.md section 6). */
const PROGRESS_EVERY_MS = 500;
/** Longest text of an event. Unit: UTF-16 code units. */
const TEXT_MAX = 1000;
/** A safe point is at most one flush of the slowest disk away. Unit: milliseconds. */
const ABORT_WITHIN_MS = 120_000;
/** A load tells some ten phases; a node that tells more and more is not listened to. */
const PHASES_AT_ONCE = 64;
const PHASES_PER_SECOND = 0.1;
