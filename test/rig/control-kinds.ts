/**
 * Every kind of control message, with its schema and with examples as this version writes them.
 *
 * test/unit/shared/control/frozen.test.ts compares them with what is frozen in
 * test/vectors/control.
 */
import { createPrivateKey } from "node:crypto";
import type * as z from "zod";
import { configSchema } from "../../server/config.ts";
import { NODE_DRIVERS } from "../../server/node-drivers.io.ts";
import { Event } from "../../shared/control/event.ts";
import { toldTo } from "../../shared/control/feature.ts";
import * as node from "../../shared/control/node-api.ts";
import * as operator from "../../shared/control/operator-api.ts";
import { Order, SignedOrder, signOrder } from "../../shared/control/order.ts";
import { Problem } from "../../shared/control/problem.ts";

/** A kind of message. */
export interface ControlKind {
  /**
   * `request`: strict, written by receivers, verbs and people. `reply`: open, written by the
   * server.
   */
  readonly direction: "request" | "reply";
  readonly schema: z.ZodType;
  readonly messages: readonly object[];
}

/** The seed of this key is 32 bytes of 7: never used outside tests. */
const KEY = createPrivateKey({
  key: Buffer.from(`302e020100300506032b657004220420${"07".repeat(32)}`, "hex"),
  format: "der",
  type: "pkcs8",
});
/** Public half of the key that signed the frozen orders. */
export const FROZEN_KEY_HEX = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";

const [A, B, C] = ["a".repeat(32), "b".repeat(32), "c".repeat(32)];
const IMAGE = "d".repeat(64);
const AT = "2026-01-01T00:00:00.000Z";
const MAC = "52:54:00:00:00:01";
const disk = {
  path: "/dev/sda",
  sizeBytes: 500_107_862_016,
  sectorBytes: 512,
  serial: "S1",
  wwn: "0x5000c500a1b2c3d4",
  model: "ACME SSD 500",
  bus: "ata",
  rotational: false,
  removable: false,
  inUse: ["mounted on /"],
};
const verdict = {
  code: "ok",
  phase: "opening",
  reason: "every chunk is on the disk",
  cure: "",
  diskUntouched: false,
  incomplete: false,
  bytesWritten: 1_000_000,
  at: AT,
};
const failed = { ...verdict, code: "disk_write_error", phase: "receiving", incomplete: true };
const ofOrder = {
  id: A,
  attempt: 1,
  node: "fit01",
  macs: [MAC],
  nonce: B,
  issuedAt: AT,
  expiresAt: "2026-01-01T01:00:00.000Z",
  needs: [],
  disk: [{ serial: "S1" }, { model: "ACME*", bus: "ata", minBytes: 1, allowRemovable: true }],
  leave: "reboot",
};
const orders = [
  {
    action: "load",
    ...ofOrder,
    image: { id: IMAGE, name: "ubuntu" },
    verify: "sample",
    delta: true,
  },
  { action: "save", ...ofOrder, name: "mine", rawIfDirty: false, level: 3 },
].map((order) => toldTo(Order.parse(order), []));
const signed = orders.map((order) => signOrder(order, KEY));
const local = { kind: "local", uid: 0, name: "root" };
const ofEvent = { seq: 7, at: AT, job: A };

/** The kinds by name, as the files in test/vectors/control are called. */
export const CONTROL_KINDS: Readonly<Record<string, ControlKind>> = {
  "join-request": request(node.JoinRequest, {
    token: A,
    nonce: B,
    macs: [MAC],
    interfaces: [{ name: "eth0", mac: MAC, driver: "e1000e", speedMbit: 0 }],
    disks: [disk],
    memoryBytes: 1 << 30,
    version: "0.1.0",
    features: [],
  }),
  "join-reply": reply(
    node.JoinReply,
    ...[...signed, null].map((order) => ({
      node: "fit01",
      serverTime: AT,
      features: [],
      order,
    })),
  ),
  "signed-order": reply(SignedOrder, ...signed),
  order: reply(Order, ...orders),
  "session-request": request(node.SessionRequest, { order: A }),
  "session-terms": reply(node.SessionTerms, {
    session: "0123456789abcdef",
    group: "239.192.77.1",
    port: 4077,
    sender: { address: "10.0.0.1", port: 40_000 },
    symbolBytes: 1408,
    key: C,
    member: 1,
    imageId: IMAGE,
    chunkCount: 3,
  }),
  "arm-request": request(node.ArmRequest, { order: A, disk }),
  "arm-reply": reply(
    node.ArmReply,
    { allowed: true },
    { allowed: false, code: "order_spent", reason: "the order has armed 2 times" },
  ),
  "status-report": request(
    node.StatusReport,
    ...[A, null].map((order) => ({
      order,
      phase: "receiving",
      detail: "",
      doneBytes: 1,
      totalBytes: 2,
      bytesPerSecond: 3,
      loss: 0.01,
    })),
  ),
  "status-reply": reply(node.StatusReply, { abort: false }),
  "verdict-report": request(
    node.VerdictReport,
    { order: A, verdict },
    { order: A, verdict: failed },
  ),
  "capture-reply": reply(node.CaptureReply, { name: "mine", id: IMAGE }),
  problem: reply(Problem, {
    code: "node_busy",
    status: 409,
    detail: "Cannot begin",
    cure: "Wait.",
    exitCode: 4,
  }),
  event: reply(
    Event,
    { kind: "begin", ...ofEvent, action: "load", image: "ubuntu", nodes: 1, principal: local },
    { kind: "phase", ...ofEvent, node: "fit01", phase: "receiving", detail: "" },
    {
      kind: "progress",
      ...ofEvent,
      node: "fit01",
      doneBytes: 1,
      totalBytes: 2,
      bytesPerSecond: 3,
      loss: 0.01,
    },
    { kind: "verdict", ...ofEvent, node: "fit01", verdict: failed },
    { kind: "note", ...ofEvent, level: "warning", node: "fit01", text: "fell silent" },
    { kind: "end", ...ofEvent, image: "ubuntu", nodesOk: 1, nodesNotOk: 0, aborted: false },
  ),
  "server-status": reply(operator.ServerStatus, {
    version: "0.1.0",
    features: [],
    startedAt: AT,
    notes: ["pings go through koffi"],
  }),
  "boot-report": reply(operator.BootReport, {
    mode: "proxy",
    askers: [
      {
        mac: MAC,
        address: null,
        node: null,
        firstAt: AT,
        lastAt: AT,
        count: 3,
        via: "dhcp",
        what: "discover by pxe on efi-x64",
        outcome: "unknown_node",
        reason: "no answer: no node in huck.yaml has this MAC",
      },
    ],
    counters: [{ service: "dhcp", outcome: "unknown_node", count: 3 }],
  }),
  "node-list": reply(operator.NodeList, {
    nodes: [
      {
        name: "fit01",
        macs: [MAC],
        reimage: "free",
        power: "on",
        phase: "receiving",
        job: A,
        image: "ubuntu",
        verdict,
        lastSeen: AT,
        pingMs: 0.4,
        reachable: true,
        disks: [disk],
      },
    ],
  }),
  "image-list": reply(operator.ImageList, {
    images: [
      { name: "ubuntu", id: IMAGE, fileBytes: 3, diskBytes: 5, usedBytes: 4, createdAt: AT },
    ],
    torn: ["half"],
  }),
  "token-request": request(operator.TokenRequest, { node: "fit01" }),
  "node-token": reply(operator.NodeToken, {
    node: "fit01",
    mac: MAC,
    token: A,
    serverUrl: "http://10.0.0.1:4080",
    serverKey: FROZEN_KEY_HEX,
  }),
  "load-request": request(
    operator.LoadRequest,
    { image: "ubuntu", nodes: ["fit01"] },
    {
      image: "ubuntu",
      nodes: ["fit01", "fit02"],
      disk: ofOrder.disk,
      leave: "poweroff",
      confirmed: true,
      deadlineSeconds: 600,
      verify: "full",
      delta: false,
      rateBitsPerSecond: 900_000_000,
      gatherSeconds: 5,
    },
  ),
  "save-request": request(
    operator.SaveRequest,
    { node: "fit01", name: "mine" },
    { node: "fit01", name: "mine", rawIfDirty: true, level: 19, leave: "stay", confirmed: true },
  ),
  "job-created": reply(operator.JobCreated, { job: A, nodes: ["fit01"], after: 6 }),
  "job-status": reply(
    operator.JobStatus,
    ...[local, { kind: "unknown" }].map((principal) => ({
      job: A,
      action: "load",
      image: "ubuntu",
      state: "running",
      createdAt: AT,
      principal,
      nodes: [{ node: "fit01", phase: "receiving", verdict: null }],
    })),
  ),
  "reload-request": request(operator.ReloadRequest, {}),
  "reload-reply": reply(operator.ReloadReply, {
    nodes: 2,
    added: ["fit02"],
    removed: ["fit03"],
    changed: ["fit01"],
    ended: ["fit03"],
    kept: [],
    atNextStart: ["server.store"],
  }),
  inventory: request(
    configSchema(NODE_DRIVERS),
    { server: { interface: "eth0" } },
    {
      server: { address: "10.0.0.1", dhcp: { mode: "full", range: "10.0.0.100-10.0.0.199" } },
      defaults: { reimage: "confirm", disk: [{}], leave: "reboot", power: { driver: "manual" } },
      nodes: [
        {
          name: "fit01",
          macs: ["52-54-00-00-00-01"],
          address: "10.0.0.2",
          reimage: "free",
          kernelArguments: ["console=ttyS0,115200"],
          power: { driver: "command", on: "pdu on $NODE", off: "pdu off $NODE" },
        },
      ],
    },
  ),
};

function request(schema: z.ZodType, ...messages: object[]): ControlKind {
  return { direction: "request", schema, messages };
}

function reply(schema: z.ZodType, ...messages: object[]): ControlKind {
  return { direction: "reply", schema, messages };
}
