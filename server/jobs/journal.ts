/**
 * The journal: what the server must remember over a restart, and the interface of its storage.
 *
 * The server rebuilds its memory from these records when it starts, so a restart in the middle of a
 * job loses no order, no arm, no verdict and no token. Every `put` is durable when it returns.
 * journal-sqlite.io.ts stores the records in SQLite.
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

/** What a load asks for, with the id and file of its image, fixed when the job began. */
const LoadTerms = z.object({
  action: z.literal("load"),
  imageId: Digest,
  /**
   * Identity of the image file: in two files of the same image id the records lie at different
   * places. Undefined in records that an older version wrote.
   */
  file: z.string().optional(),
  ...LoadSpec.shape,
  ...DeliverySpec.shape,
});
export type LoadTerms = Readonly<z.infer<typeof LoadTerms>>;

const SaveTerms = z.object({ action: z.literal("save"), ...SaveSpec.shape });
export type SaveTerms = Readonly<z.infer<typeof SaveTerms>>;

/** What a job asks for. A field that is missing in the journal gets its default. */
export const JobTerms = z.discriminatedUnion("action", [LoadTerms, SaveTerms]);

/** One `image-load` or `image-save`. Times are milliseconds since 1970. */
export interface JobRecord {
  readonly id: string;
  /** Name of the image that is loaded, or that the save will make. */
  readonly image: string;
  readonly terms: LoadTerms | SaveTerms;
  /** Who began the job. */
  readonly principal: Principal;
  readonly createdAt: number;
  /** By then every node has its verdict. */
  readonly deadlineAt: number;
  readonly state: "running" | "ended" | "aborted";
}

/** One node's part in a job: the order it is given, and how far it has come. */
export interface OrderRecord extends Readonly<NodeSpec> {
  readonly id: string;
  readonly job: string;
  readonly node: string;
  readonly state: OrderState;
  /** How often the order has armed, 0 .. 2. */
  readonly armed: number;
  /**
   * Nonce of the boot that armed last. If the same boot asks to arm again, that is not counted
   * again.
   */
  readonly armedBy: string | null;
  /** What the operator is shown; while the node works, the phase that it reports. */
  readonly phase: Phase;
  /** Id of the image that this save has made, once it is durable; null before, and for loads. */
  readonly captured: string | null;
  /** Nonce of the last boot that the order was signed for; null before the node joined. */
  readonly nonce: string | null;
  readonly verdict: Verdict | null;
  /**
   * Why the node could not be started, with the cure. Absent: it could, or nobody has tried
   * yet.
   */
  readonly enterFault?: string | undefined;
}

/** A token. The journal has only its digest, so that a reader of the journal cannot use it. */
export interface TokenRecord {
  /** SHA-256 of the token as hexadecimal. */
  readonly digest: string;
  readonly node: string;
  /** The MAC that the token was made for. */
  readonly mac: string;
  /** The node must join by then. */
  readonly joinBy: number;
  /** Nonce of the boot that joined with it; null before. A token is good for one join. */
  readonly nonce: string | null;
  /** After the join, the token speaks for its node until then; 0 before. */
  readonly goodUntil: number;
}

/** The image that a load wrote to a disk. */
export interface HeldImage {
  readonly image: string;
  /** True if only a part of it is there, so that the disk does not boot. */
  readonly incomplete: boolean;
}

/** What a node last told about itself. */
export interface SightRecord {
  readonly node: string;
  readonly lastSeen: number;
  readonly disks: readonly DiskDescription[];
  /** The node's last verdict and the name of the image it is about; null before the first one. */
  readonly last: { readonly image: string; readonly verdict: Verdict } | null;
  /** The image that its disk holds; null if none is known. Absent in records of older versions. */
  readonly held?: HeldImage | null;
}

/** All records that a restart needs. */
export interface Remembered {
  /** The newest {@link JOBS_KEPT} jobs and all that have not ended, oldest first. */
  readonly jobs: readonly JobRecord[];
  /** Orders of those jobs. */
  readonly orders: readonly OrderRecord[];
  readonly tokens: readonly TokenRecord[];
  readonly sights: readonly SightRecord[];
}

/** The server's durable memory. All methods are synchronous and durable when they return. */
export interface Journal {
  remembered(): Remembered;
  /** Writes a record; it replaces the older one of the same id. */
  putJob(job: JobRecord): void;
  /** Writes a record; it replaces the older one of the same id. */
  putOrder(order: OrderRecord): void;
  /** Writes a record; it replaces the older one of the same digest. */
  putToken(token: TokenRecord): void;
  /** Forgets the token of this digest. */
  dropToken(digest: string): void;
  /** Writes a record; it replaces the older one of the same node. */
  putSight(sight: SightRecord): void;
  /** Writes an event. Its `seq` must come from `nextSeq`. */
  putEvent(event: Event): void;
  /** Gives a number that is higher than any it has given before, also before a restart. */
  nextSeq(): number;
  /** Gives at most `limit` durable events of a job whose `seq` is higher, in order of `seq`. */
  eventsAfter(job: string, seq: number, limit: number): readonly Event[];
  /** Makes several writes one: all are durable or, if `writes` throws, none is. */
  together(writes: () => void): void;
  /** Closes it. Idempotent. */
  close(): void;
}

/** When a job begins, ended jobs beyond the newest so many are forgotten with their events. */
export const JOBS_KEPT = 200;
