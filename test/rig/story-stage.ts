/**
 * A visit of the real receiver over a scripted disk, link and reception, which record every call.
 */
import { generateKeyPairSync } from "node:crypto";
import { NodeFailure } from "../../receiver/failure.ts";
import type { DiskWork, ScanResult } from "../../receiver/disk/disk-work.ts";
import type {
  ProbeResult,
  ReceptionOutcome,
  ReceptionStart,
} from "../../receiver/link/load-reception.ts";
import { type Host, type VisitEnd, visit } from "../../receiver/visit.ts";
import type { DiskDescription } from "../../shared/control/disk-rule.ts";
import type { ArmReply, SessionTerms } from "../../shared/control/node-api.ts";
import { type Order, SPKI_ED25519_PREFIX, signOrder } from "../../shared/control/order.ts";
import type { Verdict, VerdictCode } from "../../shared/control/verdict.ts";

const keys = generateKeyPairSync("ed25519");
const publicKey = keys.publicKey
  .export({ format: "der", type: "spki" })
  .subarray(SPKI_ED25519_PREFIX.byteLength)
  .toString("hex");
const MAC = "52:54:00:12:34:56";
const NONCE = "1".repeat(32);
const IMAGE = "b".repeat(64);
export const DISK: DiskDescription = {
  path: "/dev/sda",
  sizeBytes: 1 << 30,
  sectorBytes: 512,
  serial: "S1",
  wwn: "",
  model: "",
  bus: "ata",
  rotational: false,
  removable: false,
  inUse: [],
};
const TERMS: SessionTerms = {
  session: "0".repeat(16),
  group: "239.192.0.1",
  port: 9000,
  sender: { address: "10.0.0.1", port: 9001 },
  symbolBytes: 1408,
  key: "2".repeat(32),
  member: 1,
  imageId: IMAGE,
  chunkCount: 4,
};

export function order(action: "load" | "save", changes: Partial<Order> = {}): Order {
  const common = {
    id: "3".repeat(32),
    attempt: 1,
    node: "pc-1",
    macs: [MAC],
    nonce: NONCE,
    issuedAt: "2026-01-01T00:00:00.000Z",
    expiresAt: "2026-01-01T01:00:00.000Z",
    needs: [],
    disk: [{ serial: "S1" }],
    leave: "poweroff",
  } as const;
  const whole =
    action === "load"
      ? ({
          action,
          ...common,
          image: { id: IMAGE, name: "x" },
          verify: "sample",
          delta: true,
        } as const)
      : ({ action, ...common, name: "y", rawIfDirty: false, keepGaps: false, level: 3 } as const);
  return { ...whole, ...changes } as Order;
}

/** What a scene does differently from a load that goes well. */
export interface Script {
  readonly order?: Order;
  /** Node that the unsigned part of the answer names. */
  readonly node?: string;
  readonly disks?: readonly DiskDescription[];
  readonly scan?: ScanResult;
  readonly toCheck?: readonly number[];
  /** Of one session after the other. */
  readonly reached?: readonly ProbeResult[];
  readonly arm?: ArmReply;
  readonly outcome?: ReceptionOutcome;
  /** In this phase the server asks the node to stop, and the phase goes on until it is stopped. */
  readonly stopIn?: "scanning" | "probing" | "receiving" | "verifying";
  /** The session ends while it gathers. */
  readonly neverBegins?: true;
  /** The server never answers this call; the process is told to end meanwhile. */
  readonly hangs?: "tail" | "session" | "append" | "due";
  /** Name of the disk call that fails, and how. */
  readonly diskFails?: readonly [call: string, failure: NodeFailure];
}

export const no = (code: VerdictCode): ArmReply => ({ allowed: false, code, reason: "x" });
export const LOST = {
  ok: false,
  code: "sender_lost",
  reason: "x",
  cure: "y",
} as const satisfies ReceptionOutcome;

const FRESH: ScanResult = { lacking: [{ start: 0, end: 4 }], found: "fresh", lackingBytes: 4096 };

export interface Played {
  readonly calls: string[];
  readonly end: VisitEnd;
  readonly sent: Verdict[];
  /** Requests to the server: kind and body. */
  readonly said: readonly [kind: string, body: object][];
  /** How the disk was opened, each time. */
  readonly opened: string[];
}

export async function play(script: Script): Promise<Played> {
  const calls: string[] = [];
  const said: [string, object][] = [];
  const sent: Verdict[] = [];
  const toCheck = [...(script.toCheck ?? [])];
  const opened: string[] = [];
  const call = (name: string): Promise<void> => {
    calls.push(name);
    const [failing, failure] = script.diskFails ?? [];
    return failing === name && failure !== undefined ? Promise.reject(failure) : Promise.resolve();
  };
  const stopped = Promise.withResolvers<undefined>();
  const long = async (name: string, phase: Script["stopIn"]): Promise<void> => {
    await call(name);
    if (script.stopIn !== phase) return;
    await stopped.promise;
    throw new NodeFailure("aborted", "the work was stopped", "y");
  };
  const disk: DiskWork = {
    open: (_order, _disk, access) => {
      opened.push(access);
      return call("open");
    },
    useImage: async () => {
      await call("useImage");
      return { chunkCount: 4, recordLengths: new Uint32Array(4), rawBytes: 4096 };
    },
    chunkToCheck: () => Promise.resolve(toCheck.shift()),
    scan: async () => {
      await long("scan", "scanning");
      return script.scan ?? FRESH;
    },
    closeGate: () => call("closeGate"),
    deliver: async () => {
      await call("deliver");
      return "ok";
    },
    flush: () => call("flush"),
    verify: () => long("verify", "verifying"),
    openGate: () => call("openGate"),
    capture: async (sink) => {
      await call("capture");
      await sink(new Uint8Array(3));
    },
    stop: () => {
      stopped.resolve(undefined);
    },
    bytesWritten: () => 7,
    close: () => call("close"),
  };
  let interrupt: (() => void) | undefined;
  const answered = async (what: Script["hangs"]): Promise<void> => {
    if (script.hangs !== what) return;
    setImmediate(() => interrupt?.());
    await new Promise(() => undefined);
  };
  let sessions = 0;
  const startReception = (start: ReceptionStart): ReturnType<Host["startReception"]> => {
    calls.push("listen");
    const ended = Promise.withResolvers<ReceptionOutcome>();
    const reach = script.reached?.[sessions - 1] ?? "all";
    if (reach === "over") ended.resolve(script.outcome ?? LOST);
    const due = Promise.withResolvers<"chunk" | "over">();
    if (script.neverBegins === true) {
      due.resolve("over");
      ended.resolve(LOST);
    } else if (script.hangs === "due") setImmediate(() => interrupt?.());
    else due.resolve("chunk");
    return {
      reached: Promise.resolve(reach),
      due: reach === "over" ? Promise.resolve("over") : due.promise,
      ended: ended.promise,
      release() {
        void start.deliver(0, new Uint8Array(1)).then(() => {
          if (script.stopIn === "receiving") return;
          ended.resolve(reach === "all" ? (script.outcome ?? { ok: true }) : LOST);
        });
      },
      stop: (reason) => {
        due.resolve("over");
        const asked = script.stopIn !== undefined || script.hangs === "due";
        const code = asked ? "aborted" : "sender_lost";
        ended.resolve({ ok: false, code, reason, cure: "y" });
      },
    };
  };
  const end = await visit({
    link: {
      join: (request) => {
        said.push(["join-request", request]);
        return Promise.resolve({
          node: script.node ?? "pc-1",
          serverTime: "2026-01-01T00:00:01.000Z",
          features: [],
          order: signOrder(script.order ?? order("load"), keys.privateKey),
        });
      },
      session: async (request) => {
        said.push(["session-request", request]);
        await answered("session");
        sessions = Math.min(sessions + 1, script.reached?.length ?? 1);
        return { ...TERMS, session: String(sessions).padStart(16, "0") };
      },
      arm: (request) => {
        calls.push("arm");
        said.push(["arm-request", request]);
        return Promise.resolve(script.arm ?? { allowed: true });
      },
      status: (report) => {
        said.push(["status-report", report]);
        return Promise.resolve({ abort: report.phase === script.stopIn });
      },
      verdict: (report) => {
        sent.push(report.verdict);
        said.push(["verdict-report", report]);
        return Promise.resolve({ abort: false });
      },
      tail: async () => {
        await answered("tail");
        return new Uint8Array();
      },
      chunk: () => Promise.resolve(new Uint8Array()),
      capture: () => ({
        append: async () => {
          await answered("append");
          await call("append");
        },
        commit: () => call("commit"),
        abort: () => void calls.push("abort upload"),
      }),
    },
    publicKey,
    join: {
      token: "0".repeat(32),
      nonce: NONCE,
      macs: [MAC],
      interfaces: [],
      disks: [],
      memoryBytes: 1,
      version: "test",
      features: [],
    },
    disks: script.disks ?? [DISK],
    now: () => 0,
    diskWork: () => disk,
    startReception,
    print: () => undefined,
    every: () => () => undefined,
    onStop: (stop) => {
      interrupt = () => {
        stop("the receiver was told to end (SIGTERM)");
      };
    },
  });
  return { calls, end, sent, said, opened };
}

const WRITES = ["closeGate", "deliver", "openGate"];
export const writes = (calls: readonly string[]): string[] =>
  calls.filter((name) => WRITES.includes(name));
