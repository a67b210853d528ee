/**
 * What the server must not forget, and the interface of whoever remembers it.
 *
 * The one idea: memory is rebuilt from these records at start, so a restart in mid-job loses no
 * order, no arm, no verdict and no token. Every `put` is durable when it returns.
 * journal-sqlite.io.ts keeps them in SQLite.
 */
import * as z from "zod";
import type { DiskDescription } from "../../shared/control/disk-rule.ts";
import type { Event } from "../../shared/control/event.ts";
import { Digest } from "../../shared/control/names.ts";
import { DeliverySpec, LoadSpec, SaveSpec } from "../../shared/control/spec.ts";
import type { NodeSpec } from "../../shared/control/spec.ts";
import type { Principal } from "../../shared/control/principal.ts";
import type { Phase, Verdict } from "../../shared/control/verdict.ts";
import type { OrderState } from "./order-table.ts";

/** What a load asks for, with the image it was begun with. */
const LoadTerms = z.object({
  action: z.literal("load"),
  imageId: Digest,
  /**
   * Identity of the image file: two files of one image id differ in where their records lie.
   * Undefined in what an older version wrote.
   */
  file: z.string().optional(),
  ...LoadSpec.shape,
  ...DeliverySpec.shape,
});
/** What a load asks for. */
export type LoadTerms = Readonly<z.infer<typeof LoadTerms>>;

/** What a save asks for. */
const SaveTerms = z.object({ action: z.literal("save"), ...SaveSpec.shape });
/** What a save asks for. */
export type SaveTerms = Readonly<z.infer<typeof SaveTerms>>;

/** What a job asks for, as the journal keeps it: a field it was written without has its default. */
export const JobTerms = z.discriminatedUnion("action", [LoadTerms, SaveTerms]);

/** One `image-load` or `image-save`. Times are milliseconds since 1970. */
export interface JobRecord {
  readonly id: string;
  /** Name of the image that is loaded, or that will be. */
  readonly image: string;
  readonly terms: LoadTerms | SaveTerms;
  /** Who began it. */
  readonly principal: Principal;
  readonly createdAt: number;
  /** Every node has its verdict by then. */
  readonly deadlineAt: number;
  readonly state: "running" | "ended" | "aborted";
}

/** One node's part in a job: the order it is given, and how far it came. */
export interface OrderRecord extends Readonly<NodeSpec> {
  readonly id: string;
  readonly job: string;
  readonly node: string;
  readonly state: OrderState;
  /** How often it armed, 0 .. 2. */
  readonly armed: number;
  /**
   * Nonce of the boot that armed last: an arm that is asked again by the same boot is the same arm.
   */
  readonly armedBy: string | null;
  /** What the operator is shown: the node's own word while it is at work. */
  readonly phase: Phase;
  /** Id of the image that was captured by this order and is durable; null before, and for loads. */
  readonly captured: string | null;
  /** Last nonce it was signed for; null before the node joined. */
  readonly nonce: string | null;
  readonly verdict: Verdict | null;
}

/** A token, kept as its digest so that the journal gives none away. */
export interface TokenRecord {
  /** SHA-256 of the token as hexadecimal. */
  readonly digest: string;
  readonly node: string;
  /** The MAC it was made for. */
  readonly mac: string;
  /** It must join by then. */
  readonly joinBy: number;
  /** Nonce of the one join; null before. */
  readonly nonce: string | null;
  /** It speaks for its node until then; 0 before the join. */
  readonly goodUntil: number;
}

/** What a node last told of itself. */
export interface SightRecord {
  readonly node: string;
  readonly lastSeen: number;
  readonly disks: readonly DiskDescription[];
  /** Its last verdict with the image it was about, or null. */
  readonly last: { readonly image: string; readonly verdict: Verdict } | null;
}

/** Everything a restart needs. */
export interface Remembered {
  /** The newest {@link JOBS_KEPT} jobs and all that have not ended, oldest first. */
  readonly jobs: readonly JobRecord[];
  /** Orders of those jobs. */
  readonly orders: readonly OrderRecord[];
  readonly tokens: readonly TokenRecord[];
  readonly sights: readonly SightRecord[];
}

/** The durable memory. All methods are synchronous and durable when they return. */
export interface Journal {
  /** @returns Everything a restart needs. */
  remembered(): Remembered;
  /** Writes one record in place of the older one of the same id. */
  putJob(job: JobRecord): void;
  /** Writes one record in place of the older one of the same id. */
  putOrder(order: OrderRecord): void;
  /** Writes one record in place of the older one of the same digest. */
  putToken(token: TokenRecord): void;
  /** Forgets a token. */
  dropToken(digest: string): void;
  /** Writes one record in place of the older one of the same node. */
  putSight(sight: SightRecord): void;
  /** Writes an event; its `seq` came from `nextSeq`. */
  putEvent(event: Event): void;
  /** @returns A number higher than any before, over restarts too. */
  nextSeq(): number;
  /** @returns Durable events of a job with a higher seq, in order, at most `limit`. */
  eventsAfter(job: string, seq: number, limit: number): readonly Event[];
  /**
   * Makes several writes one: all of them are durable, or none.
   *
   * @param writes - Called once; what it throws undoes the writes.
   */
  together(writes: () => void): void;
  /** Closes it. Idempotent. */
  close(): void;
}

/** Ended jobs older than the newest these are forgotten with their events when a job begins. */
export const JOBS_KEPT = 200;
