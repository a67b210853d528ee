/**
 * Operator API: what image-load, image-save and every other remote verb say to the server
 * (CONTROL.md section 5).
 *
 * It listens on a unix socket only; the kernel tells the peer's uid. Bodies are JSON; errors are
 * Problems; the event stream is one Event per line (application/x-ndjson) and ends with the job.
 * Requests are strict and replies are open, as in node-api.ts.
 */
import * as z from "zod";
import { DiskDescription } from "./disk-rule.ts";
import { Bytes, Digest, Id128, ImageName, MacAddress, NodeName, Text, Timestamp } from "./names.ts";
import { Features } from "./feature.ts";
import { Principal } from "./principal.ts";
import { DeliverySpec, LoadSpec, NodeSpec, SaveSpec } from "./spec.ts";
import { ShownPhase, Verdict } from "./verdict.ts";

/** Paths of the operator API. */
export const OperatorRoute = {
  /** GET -> {@link ServerStatus}. */
  server: "/v1/server",
  /** POST {@link ReloadRequest} -> {@link ReloadReply}: reads huck.yaml again. */
  reload: "/v1/server/reload",
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
  /** GET with `/<id>` -> {@link JobStatus}; `/<id>/events?after=<seq>` streams; DELETE aborts. */
  jobs: "/v1/jobs",
} as const;

/** What an operator is told of a node. */
export const NodeStatus = z.object({
  name: NodeName,
  macs: z.array(MacAddress).max(32),
  reimage: z.enum(["free", "confirm"]).catch("confirm"),
  power: z.enum(["on", "off", "unknown"]).catch("unknown"),
  phase: ShownPhase,
  job: Id128.nullable(),
  image: ImageName.nullable(),
  verdict: Verdict.nullable(),
  lastSeen: Timestamp.nullable(),
  /** Answer to an ICMP echo; null when none was asked for. */
  pingMs: z.number().min(0).nullable(),
  reachable: z.boolean().nullable(),
  disks: z.array(DiskDescription).max(256),
});
/** What an operator is told of a node. */
export type NodeStatus = z.infer<typeof NodeStatus>;

/** All nodes of the inventory. */
export const NodeList = z.object({ nodes: z.array(NodeStatus).max(4096) });
/** All nodes of the inventory. */
export type NodeList = z.infer<typeof NodeList>;

/** One image of the store. */
export const ImageEntry = z.object({
  name: ImageName,
  id: Digest,
  fileBytes: Bytes,
  diskBytes: Bytes,
  usedBytes: Bytes,
  createdAt: Timestamp,
});
/** One image of the store. */
export type ImageEntry = z.infer<typeof ImageEntry>;

/** All images of the store, and names of files that are no complete image. */
export const ImageList = z.object({
  images: z.array(ImageEntry).max(65536),
  torn: z.array(z.string().max(255)).max(1000),
});
/** All images of the store. */
export type ImageList = z.infer<typeof ImageList>;

/** A receiver will be started by hand: let it join. */
export const TokenRequest = z.strictObject({ node: NodeName });
/** A receiver will be started by hand: let it join. */
export type TokenRequest = z.infer<typeof TokenRequest>;

/** What that receiver must be told: kernel arguments `huck.server`, `huck.token`, `huck.key`. */
export const NodeToken = z.object({
  node: NodeName,
  /** The MAC it is bound to. */
  mac: MacAddress,
  token: Id128,
  /** Base URL of the node API. */
  serverUrl: z.string().max(255),
  /** Ed25519 public key that orders are signed with: 32 bytes as hexadecimal. */
  serverKey: Digest,
});
/** What that receiver must be told. */
export type NodeToken = z.infer<typeof NodeToken>;

/** What every request for a job says. */
const anyJob = {
  /** Override what the inventory says of each node. */
  ...NodeSpec.partial().shape,
  /** Nodes marked `confirm` are touched only when this is true. */
  confirmed: z.boolean().default(false),
  /** Every node has its verdict by then. */
  deadlineSeconds: z.number().int().min(10).max(86_400).default(3600),
};

/** Write an image to nodes. */
export const LoadRequest = z.strictObject({
  image: ImageName,
  nodes: z.array(NodeName).min(1).max(4096),
  ...anyJob,
  ...LoadSpec.shape,
  ...DeliverySpec.shape,
});
/** Write an image to nodes. */
export type LoadRequest = z.input<typeof LoadRequest>;

/** Save the disk of a node. */
export const SaveRequest = z.strictObject({
  node: NodeName,
  name: ImageName,
  ...anyJob,
  ...SaveSpec.shape,
});
/** Save the disk of a node. */
export type SaveRequest = z.input<typeof SaveRequest>;

/** The job that a request began. */
export const JobCreated = z.object({
  job: Id128,
  nodes: z.array(NodeName).max(4096),
  /** Events of the job have a higher sequence number. */
  after: z.number().int().min(0),
});
/** The job that a request began. */
export type JobCreated = z.infer<typeof JobCreated>;

/** A load or save, and how each of its nodes stands. */
export const JobStatus = z.object({
  job: Id128,
  /** `load`, `save`, or a word of a later version. */
  action: z.string().max(32),
  image: ImageName,
  state: z.enum(["running", "ended", "aborted"]).catch("running"),
  createdAt: Timestamp,
  /** Who began it. */
  principal: Principal,
  nodes: z
    .array(z.object({ node: NodeName, phase: ShownPhase, verdict: Verdict.nullable() }))
    .max(4096),
});
/** A load or save, and how each of its nodes stands. */
export type JobStatus = z.infer<typeof JobStatus>;

/** What the server tells about itself. */
export const ServerStatus = z.object({
  version: z.string().max(64),
  /** What it knows beyond the frozen schemas. */
  features: Features,
  startedAt: Timestamp,
  /** Twins in use instead of native packages, and other things worth knowing. */
  notes: z.array(Text).max(64),
});
/** What the server tells about itself. */
export type ServerStatus = z.infer<typeof ServerStatus>;

/** Read huck.yaml again. */
export const ReloadRequest = z.strictObject({});

/** What the new huck.yaml changed. */
export const ReloadReply = z.object({
  /** How many nodes there are now. */
  nodes: z.number().int().min(0),
  added: z.array(NodeName).max(4096),
  removed: z.array(NodeName).max(4096),
  changed: z.array(NodeName).max(4096),
  /** Removed nodes whose orders ended, their disks untouched. */
  ended: z.array(NodeName).max(4096),
  /** Removed nodes that are at work on their disks and go on until they end. */
  kept: z.array(NodeName).max(4096),
  /** Settings of the file that take effect at the next start of the server, like `server.store`. */
  atNextStart: z.array(z.string().max(64)).max(256),
});
/** What the new huck.yaml changed. */
export type ReloadReply = z.infer<typeof ReloadReply>;
