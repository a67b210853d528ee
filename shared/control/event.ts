/**
 * Events: what the server reports about its work, one JSON object per line, in order of `seq`.
 *
 * Each event can be understood alone: a reader that joins late gets a snapshot from the API, then
 * events with a higher `seq`. Unknown members and unknown kinds are skipped, so that old programs
 * can read new servers.
 */
import * as z from "zod";
import { Bytes, Id128, ImageName, NodeName, Text, Timestamp } from "./names.ts";
import { Principal } from "./principal.ts";
import { Phase, Verdict } from "./verdict.ts";

const common = {
  seq: z.number().int().min(1),
  at: Timestamp,
  /** The load or save that the event belongs to; absent for events of the server itself. */
  job: Id128.optional(),
};

/** A load or save has begun: the first event of its stream. */
const JobBeginEvent = z.object({
  kind: z.literal("begin"),
  ...common,
  /** `load`, `save`, or a word that only a later version knows. */
  action: z.string().max(32),
  image: ImageName,
  /** How many nodes the job has. */
  nodes: z.number().int().min(0),
  principal: Principal,
});
/** A node has entered a phase. */
const PhaseEvent = z.object({
  kind: z.literal("phase"),
  ...common,
  node: NodeName,
  phase: Phase,
  /** One more sentence; empty if there is nothing to add. */
  detail: Text,
});
/** A node has made progress. At most two per second and node. */
const ProgressEvent = z.object({
  kind: z.literal("progress"),
  ...common,
  node: NodeName,
  doneBytes: Bytes,
  totalBytes: Bytes,
  /** Rate over the last seconds. Unit: bytes per second. */
  bytesPerSecond: Bytes,
  /** Share of datagrams that the network lost, 0 .. 1. */
  loss: z.number().min(0).max(1),
});
/** A node has its verdict. */
const VerdictEvent = z.object({
  kind: z.literal("verdict"),
  ...common,
  node: NodeName,
  verdict: Verdict,
});
/** Something that an operator should read. */
const NoteEvent = z.object({
  kind: z.literal("note"),
  ...common,
  level: z.enum(["info", "warning", "error"]).catch("info"),
  node: NodeName.optional(),
  text: Text,
});
/** A load or save has ended: the last event of its stream. */
const JobEndEvent = z.object({
  kind: z.literal("end"),
  ...common,
  image: ImageName,
  nodesOk: z.number().int().min(0),
  nodesNotOk: z.number().int().min(0),
  aborted: z.boolean(),
});

export const Event = z.discriminatedUnion("kind", [
  JobBeginEvent,
  PhaseEvent,
  ProgressEvent,
  VerdictEvent,
  NoteEvent,
  JobEndEvent,
]);
export type Event = z.infer<typeof Event>;
