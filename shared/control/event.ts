/**
 * Event: what the server tells about its work, one JSON object per line, in order of `seq`.
 *
 * Every event stands alone: a reader that joins late gets a snapshot from the API and then events
 * with a higher `seq`. Unknown members are ignored and unknown kinds passed over, so that old
 * programs read new servers.
 */
import * as z from "zod";
import { Bytes, Id128, ImageName, NodeName, Text, Timestamp } from "./names.ts";
import { Principal } from "./principal.ts";
import { Phase, Verdict } from "./verdict.ts";

const common = {
  seq: z.number().int().min(1),
  at: Timestamp,
  /** Load or save the event belongs to; absent for events of the server itself. */
  job: Id128.optional(),
};

/** A load or save was begun: the first event of its stream. */
const JobBeginEvent = z.object({
  kind: z.literal("begin"),
  ...common,
  /** `load`, `save`, or a word of a later version. */
  action: z.string().max(32),
  image: ImageName,
  /** How many. */
  nodes: z.number().int().min(0),
  principal: Principal,
});
/** A node entered a phase. */
const PhaseEvent = z.object({
  kind: z.literal("phase"),
  ...common,
  node: NodeName,
  phase: Phase,
  /** One sentence more, where there is something to say. */
  detail: Text,
});
/** A node came further. At most two a second per node. */
const ProgressEvent = z.object({
  kind: z.literal("progress"),
  ...common,
  node: NodeName,
  doneBytes: Bytes,
  totalBytes: Bytes,
  /** Rate over the last seconds. Unit: bytes per second. */
  bytesPerSecond: Bytes,
  /** Share of datagrams the network lost, 0 .. 1. */
  loss: z.number().min(0).max(1),
});
/** A node ended. */
const VerdictEvent = z.object({
  kind: z.literal("verdict"),
  ...common,
  node: NodeName,
  verdict: Verdict,
});
/** Something an operator should read. */
const NoteEvent = z.object({
  kind: z.literal("note"),
  ...common,
  level: z.enum(["info", "warning", "error"]).catch("info"),
  node: NodeName.optional(),
  text: Text,
});
/** A load or save came to its end: the last event of its stream. */
const JobEndEvent = z.object({
  kind: z.literal("end"),
  ...common,
  image: ImageName,
  nodesOk: z.number().int().min(0),
  nodesNotOk: z.number().int().min(0),
  aborted: z.boolean(),
});

/** Any event. */
export const Event = z.discriminatedUnion("kind", [
  JobBeginEvent,
  PhaseEvent,
  ProgressEvent,
  VerdictEvent,
  NoteEvent,
  JobEndEvent,
]);
/** Any event. */
export type Event = z.infer<typeof Event>;
