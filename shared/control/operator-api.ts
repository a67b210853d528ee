/**
 * Operator API: what image-load, image-save and all other remote verbs say to the server
 * (CONTROL.md section 5).
 *
 * It listens on a unix socket only, and the kernel tells the peer's uid. Bodies are JSON and errors
 * are Problems. The event stream has one Event per line (application/x-ndjson) and ends with the
 * job. Requests are strict and replies are open, as in node-api.ts.
 */
import * as z from "zod";
import { DiskDescription } from "./disk-rule.ts";
import { Bytes, Digest, Id128, ImageName, MacAddress, NodeName, Text, Timestamp } from "./names.ts";
import { Features } from "./feature.ts";
import { Principal } from "./principal.ts";
import { DeliverySpec, LoadSpec, NodeSpec, SaveSpec } from "./spec.ts";
import { ShownPhase, Verdict } from "./verdict.ts";

export const OperatorRoute = {
  /** GET -> {@link ServerStatus}. */
  server: "/v1/server",
  /** POST {@link ReloadRequest} -> {@link ReloadReply}: reads huck.yaml again. */
  reload: "/v1/server/reload",
  /** GET -> {@link BootReport}: who asked the boot services in the last hour. */
  boot: "/v1/boot",
  /** GET -> {@link NodeList}; with `?ping=1` every node is pinged first. */
  nodes: "/v1/nodes",
  /** GET -> {@link ImageList}. DELETE with `/<name>` moves an image to the trash. */
  images: "/v1/images",
  /**
   * POST {@link TokenRequest} -> {@link NodeToken}: for a receiver that is started without our boot
   * services.
   */
  tokens: "/v1/tokens",
  /** POST {@link LoadRequest} -> {@link JobCreated}. */
  loads: "/v1/loads",
  /** POST {@link SaveRequest} -> {@link JobCreated}. */
  saves: "/v1/saves",
  /**
   * GET -> {@link JobList}. GET with `/<id>` -> {@link JobStatus}; `/<id>/events?after=<seq>`
   * streams; DELETE aborts. The first digits of an id do if no other id begins with them.
   */
  jobs: "/v1/jobs",
} as const;

/** What an operator is told about a node. */
export const NodeStatus = z.object({
  name: NodeName,
  macs: z.array(MacAddress).max(32),
  reimage: z.enum(["free", "confirm"]).catch("confirm"),
  power: z.enum(["on", "off", "unknown"]).catch("unknown"),
  /** Why the power is unknown, with the cure; empty if it is known, or was not asked for. */
  powerReason: Text.default(""),
  /** True if the server tried to read the power and could not. */
  powerFailed: z.boolean().default(false),
  phase: ShownPhase,
  job: Id128.nullable(),
  /** The image that a load wrote to the node's disk; null if none is known. */
  image: ImageName.nullable(),
  /** True if the disk holds only a part of `image`, so that it does not boot. */
  incomplete: z.boolean().default(false),
  verdict: Verdict.nullable(),
  lastSeen: Timestamp.nullable(),
  /** Round trip of an ICMP echo; null if there was no answer or none was asked for. */
  pingMs: z.number().min(0).nullable(),
  reachable: z.boolean().nullable(),
  disks: z.array(DiskDescription).max(256),
});
export type NodeStatus = z.infer<typeof NodeStatus>;

export const NodeList = z.object({ nodes: z.array(NodeStatus).max(4096) });
export type NodeList = z.infer<typeof NodeList>;

export const ImageEntry = z.object({
  name: ImageName,
  id: Digest,
  fileBytes: Bytes,
  diskBytes: Bytes,
  usedBytes: Bytes,
  createdAt: Timestamp,
});
export type ImageEntry = z.infer<typeof ImageEntry>;

/** All images of the store, and names of files that are not complete images. */
export const ImageList = z.object({
  images: z.array(ImageEntry).max(65536),
  torn: z.array(z.string().max(255)).max(1000),
});
export type ImageList = z.infer<typeof ImageList>;

/** Asks for a token for a receiver that is started by hand. */
export const TokenRequest = z.strictObject({ node: NodeName });
export type TokenRequest = z.infer<typeof TokenRequest>;

/** What that receiver needs: its kernel arguments `huck.server`, `huck.token`, `huck.key`. */
export const NodeToken = z.object({
  node: NodeName,
  /** The MAC that the token is bound to. */
  mac: MacAddress,
  token: Id128,
  /** Base URL of the node API. */
  serverUrl: z.string().max(255),
  /** Ed25519 public key that checks orders: 32 bytes as hexadecimal. */
  serverKey: Digest,
});
export type NodeToken = z.infer<typeof NodeToken>;

/** Fields of every request for a job. */
const anyJob = {
  /** If present, these replace the inventory's settings for each node. */
  ...NodeSpec.partial().shape,
  /** Nodes marked `confirm` are touched only if this is true. */
  confirmed: z.boolean().default(false),
  /** By then every node has its verdict. */
  deadlineSeconds: z.number().int().min(10).max(86_400).default(3600),
};

export const LoadRequest = z.strictObject({
  image: ImageName,
  nodes: z.array(NodeName).min(1).max(4096),
  ...anyJob,
  ...LoadSpec.shape,
  ...DeliverySpec.shape,
});
export type LoadRequest = z.input<typeof LoadRequest>;

export const SaveRequest = z.strictObject({
  node: NodeName,
  name: ImageName,
  ...anyJob,
  ...SaveSpec.shape,
});
export type SaveRequest = z.input<typeof SaveRequest>;

/** The job that a request has begun. */
export const JobCreated = z.object({
  job: Id128,
  nodes: z.array(NodeName).max(4096),
  /** All events of the job have a higher sequence number. */
  after: z.number().int().min(0),
});
export type JobCreated = z.infer<typeof JobCreated>;

/** A load or save, with phase and verdict of each of its nodes. */
export const JobStatus = z.object({
  job: Id128,
  /** `load`, `save`, or a word that only a later version knows. */
  action: z.string().max(32),
  image: ImageName,
  state: z.enum(["running", "ended", "aborted"]).catch("running"),
  createdAt: Timestamp,
  /** Who began the job. */
  principal: Principal,
  nodes: z
    .array(
      z.object({
        node: NodeName,
        phase: ShownPhase,
        verdict: Verdict.nullable(),
        /** The server waits for the node until then, if it does not speak. Absent: it has ended. */
        waitsUntil: Timestamp.optional(),
      }),
    )
    .max(4096),
});
export type JobStatus = z.infer<typeof JobStatus>;

/** A row of the list of jobs. */
export const JobEntry = z.object({
  job: Id128,
  action: JobStatus.shape.action,
  image: ImageName,
  state: JobStatus.shape.state,
  createdAt: Timestamp,
  principal: Principal,
  nodes: z.number().int().min(0),
  /** Of these, with a good verdict, and with another one. */
  nodesOk: z.number().int().min(0),
  nodesNotOk: z.number().int().min(0),
});
export type JobEntry = z.infer<typeof JobEntry>;

/** The jobs that the server remembers, the newest first. */
export const JobList = z.object({ jobs: z.array(JobEntry).max(4096) });
export type JobList = z.infer<typeof JobList>;

/** What the server says about itself. */
export const ServerStatus = z.object({
  version: z.string().max(64),
  /** The features that it knows. */
  features: Features,
  startedAt: Timestamp,
  /** Twins in use instead of native packages, and other notes for the operator. */
  notes: z.array(Text).max(64),
});
export type ServerStatus = z.infer<typeof ServerStatus>;

/** A question to a boot service, or the same one several times in a row. */
const BootQuestionEntry = z.object({
  /** When it was asked last. */
  at: Timestamp,
  /** How often in a row. */
  count: z.number().int().min(1),
  via: z.string().max(16),
  what: z.string().max(80),
  outcome: z.string().max(64),
  reason: Text,
});

/** Who asked a boot service, the last question, and what was done about it. */
export const AskerEntry = z.object({
  /** Null if only its address is known. */
  mac: MacAddress.nullable(),
  address: z.string().max(15).nullable(),
  /** Null if no node has that MAC. */
  node: NodeName.nullable(),
  firstAt: Timestamp,
  lastAt: Timestamp,
  /** How many questions since `firstAt`. */
  count: z.number().int().min(1),
  /** `dhcp`, `tftp`, `http`, `ipv6`, or a word that only a later version knows. */
  via: z.string().max(16),
  /** What was asked for. */
  what: z.string().max(80),
  /** Name of the counter that counted it, as in `counters`. */
  outcome: z.string().max(64),
  /** What that means: one sentence. */
  reason: Text,
  /** The last few questions, this one included, the oldest first. */
  recent: z.array(BootQuestionEntry).max(32).default([]),
});
export type AskerEntry = z.infer<typeof AskerEntry>;

/** What the boot services did since the server started. */
export const BootReport = z.object({
  /** `off`, `proxy` or `full`, as `server.dhcp.mode` in huck.yaml. */
  mode: z.string().max(16),
  /** Of the last hour; MACs that no node has come first. */
  askers: z.array(AskerEntry).max(8192),
  /** What was counted since the server started. */
  counters: z
    .array(
      z.object({
        service: z.string().max(16),
        outcome: z.string().max(64),
        count: z.number().int().min(0),
      }),
    )
    .max(256),
});
export type BootReport = z.infer<typeof BootReport>;

export const ReloadRequest = z.strictObject({});

/** What the new huck.yaml has changed. */
export const ReloadReply = z.object({
  /** How many nodes there are now. */
  nodes: z.number().int().min(0),
  added: z.array(NodeName).max(4096),
  removed: z.array(NodeName).max(4096),
  changed: z.array(NodeName).max(4096),
  /** Removed nodes whose orders ended, with their disks untouched. */
  ended: z.array(NodeName).max(4096),
  /** Removed nodes that have armed: their orders go on until they end. */
  kept: z.array(NodeName).max(4096),
  /** Settings that take effect only when the server starts again, like `server.store`. */
  atNextStart: z.array(z.string().max(64)).max(256),
});
export type ReloadReply = z.infer<typeof ReloadReply>;
