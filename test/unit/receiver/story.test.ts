/**
 * Goal: the order of safety holds in every ending: nothing is written before arming, and a verdict
 * always comes. Method: the real visit, load and save over a scripted disk, link and reception that
 * record every call.
 */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { NodeFailure } from "../../../receiver/failure.ts";
import type { DiskWork, ScanResult } from "../../../receiver/disk/disk-work.ts";
import type {
  ProbeResult,
  ReceptionOutcome,
  ReceptionStart,
} from "../../../receiver/link/load-reception.ts";
import { type Host, type VisitEnd, visit } from "../../../receiver/visit.ts";
import type { DiskDescription } from "../../../shared/control/disk-rule.ts";
import type { ArmReply, SessionTerms } from "../../../shared/control/node-api.ts";
import { type Order, SPKI_ED25519_PREFIX, signOrder } from "../../../shared/control/order.ts";
import { misfit } from "../../rig/frozen-control.ts";
import type { Verdict, VerdictCode } from "../../../shared/control/verdict.ts";

const keys = generateKeyPairSync("ed25519");
const publicKey = keys.publicKey
  .export({ format: "der", type: "spki" })
  .subarray(SPKI_ED25519_PREFIX.byteLength)
  .toString("hex");
const MAC = "52:54:00:12:34:56";
const NONCE = "1".repeat(32);
const IMAGE = "b".repeat(64);
const DISK: DiskDescription = {
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

function order(action: "load" | "save", changes: Partial<Order> = {}): Order {
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
      : ({ action, ...common, name: "y", rawIfDirty: false, level: 3 } as const);
  return { ...whole, ...changes } as Order;
}

/** What a scene does differently from a load that goes well. */
interface Script {
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
  readonly stopIn?: "scanning" | "receiving" | "verifying";
  /** Name of the disk call that fails, and how. */
  readonly diskFails?: readonly [call: string, failure: NodeFailure];
}

const no = (code: VerdictCode): ArmReply => ({ allowed: false, code, reason: "x" });
const LOST: ReceptionOutcome = { ok: false, code: "sender_lost", reason: "x", cure: "y" };

const FRESH: ScanResult = { lacking: [{ start: 0, end: 4 }], found: "fresh", lackingBytes: 4096 };

interface Played {
  readonly calls: string[];
  readonly end: VisitEnd;
  readonly sent: Verdict[];
  /** Requests to the server: kind and body. */
  readonly said: readonly [kind: string, body: object][];
  /** How the disk was opened, each time. */
  readonly opened: string[];
}

async function play(script: Script): Promise<Played> {
  const calls: string[] = [];
  const said: [string, object][] = [];
  const sent: Verdict[] = [];
  const opened: string[] = [];
  const toCheck = [...(script.toCheck ?? [])];
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
    open: (_disk, access) => {
      opened.push(access);
      return call("open");
    },
    useImage: async () => {
      await call("useImage");
      return { chunkCount: 4, recordLengths: new Uint32Array(4), rawBytes: 4096 };
    },
    scan: async () => {
      await long("scan", "scanning");
      return script.scan ?? FRESH;
    },
    chunkToCheck: () => Promise.resolve(toCheck.shift()),
    closeGate: () => call("closeGate"),
    deliver: async () => {
      await call("deliver");
      return "ok";
    },
    flush: () => call("flush"),
    verify: () => long("verify", "verifying"),
    openGate: () => call("openGate"),
    capture: async (_order, sink) => {
      await call("capture");
      await sink(new Uint8Array(3));
    },
    stop: () => {
      stopped.resolve(undefined);
    },
    bytesWritten: () => 7,
    close: () => call("close"),
  };
  let sessions = 0;
  const startReception = (start: ReceptionStart): ReturnType<Host["startReception"]> => {
    calls.push("listen");
    const ended = Promise.withResolvers<ReceptionOutcome>();
    const reach = script.reached?.[sessions - 1] ?? "all";
    if (reach === "over") ended.resolve(script.outcome ?? LOST);
    return {
      reached: Promise.resolve(reach),
      ended: ended.promise,
      release() {
        void start.deliver(0, new Uint8Array(1)).then(() => {
          if (script.stopIn === "receiving") return;
          ended.resolve(reach === "all" ? (script.outcome ?? { ok: true }) : LOST);
        });
      },
      stop: (reason) => {
        const code = script.stopIn === undefined ? "sender_lost" : "aborted";
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
      session: (request) => {
        said.push(["session-request", request]);
        sessions = Math.min(sessions + 1, script.reached?.length ?? 1);
        return Promise.resolve({ ...TERMS, session: String(sessions).padStart(16, "0") });
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
      tail: () => Promise.resolve(new Uint8Array()),
      chunk: () => Promise.resolve(new Uint8Array()),
      capture: () => ({
        append: () => call("append"),
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
    onStop: () => undefined,
  });
  return { calls, end, sent, said, opened };
}

const WRITES = ["closeGate", "deliver", "openGate"];
const writes = (calls: readonly string[]): string[] =>
  calls.filter((name) => WRITES.includes(name));

describe("a load", () => {
  test("goes choose, look, listen, arm, close, deliver, flush, verify, open", async () => {
    const { calls, end, sent } = await play({});
    expect(calls).toEqual([
      ...["open", "useImage", "scan", "listen", "arm", "closeGate", "deliver"],
      ...["flush", "verify", "openGate", "close"],
    ]);
    expect(end).toMatchObject({ leave: "poweroff", verdict: { code: "ok", diskUntouched: false } });
    expect(sent).toEqual([end.verdict]);
  });

  test("of what the disk holds already writes nothing and does not arm", async () => {
    const scan: ScanResult = { lacking: [], found: "unchanged", lackingBytes: 0 };
    const { calls, end } = await play({ scan });
    expect([writes(calls), calls.includes("arm")]).toEqual([[], false]);
    expect(end.verdict).toMatchObject({ code: "ok_unchanged", diskUntouched: true });
  });

  const untouched: readonly (readonly [string, string, Script])[] = [
    ["two disks match", "disk_ambiguous", { disks: [DISK, DISK], order: order("load") }],
    ["the disk is mounted", "disk_in_use", { disks: [{ ...DISK, inUse: ["mounted on /"] }] }],
    ["no disk matches", "no_disk_matches", { disks: [] }],
    [
      "the order is another boot's",
      "order_replayed",
      { order: order("load", { nonce: "9".repeat(32) }) },
    ],
    [
      "another node's order comes with this boot's nonce, in an answer that names that node",
      "order_replayed",
      { order: order("load", { node: "pc-2", macs: ["52:54:00:12:34:57"] }), node: "pc-2" },
    ],
    [
      "the order is old",
      "order_expired",
      { order: order("load", { expiresAt: "2026-01-01T00:00:00.500Z" }) },
    ],
    ["multicast does not arrive", "multicast_unreachable", { reached: ["nothing"] }],
    ["the MTU is too small on the way", "multicast_unreachable", { reached: ["short only"] }],
    [
      "the reception fails before anything came",
      "memory_too_small",
      { reached: ["over"], outcome: { ...LOST, code: "memory_too_small" } },
    ],
    ["the order has armed twice", "order_spent", { arm: no("order_spent") }],
    ["the server sees another disk", "no_disk_matches", { arm: no("no_disk_matches") }],
    [
      "the image does not fit",
      "disk_too_small",
      { diskFails: ["useImage", new NodeFailure("disk_too_small", "x", "y")] },
    ],
  ];
  for (const [when, code, script] of untouched) {
    test(`writes nothing and says ${code} when ${when}`, async () => {
      const { calls, end } = await play(script);
      expect(writes(calls)).toEqual([]);
      expect(end.verdict).toMatchObject({ code, diskUntouched: true, incomplete: false });
      expect(calls.at(-1) === "close" || calls.length === 0).toBe(true);
    });
  }

  test.each(["over", "nothing", "short only"] as const)(
    "takes the next session when the first was over as it came (%s)",
    async (reach) => {
      const { calls, end } = await play({ reached: [reach, "all"] });
      expect(end.verdict?.code).toBe("ok");
      expect(calls.filter((call) => call === "listen")).toHaveLength(2);
    },
  );

  test("gives up after three sessions that were over", async () => {
    const { calls, end } = await play({ reached: ["over", "over", "over", "all"] });
    expect(calls.filter((call) => call === "listen")).toHaveLength(3);
    expect(end.verdict).toMatchObject({ code: "sender_lost", diskUntouched: true });
  });

  test("looks at the partition table that must be moved before the gate closes", async () => {
    const failure = new NodeFailure("image_damaged", "x", "y");
    const { calls, end } = await play({ toCheck: [0], diskFails: ["deliver", failure] });
    expect(calls).not.toContain("closeGate");
    expect(end.verdict).toMatchObject({ code: "image_damaged", diskUntouched: true });
  });

  test("never opens the gate when verifying failed, and says the disk is incomplete", async () => {
    const failure = new NodeFailure(
      "verify_mismatch",
      "sector 7 reads back wrong",
      "replace the disk",
    );
    const { calls, end } = await play({ diskFails: ["verify", failure] });
    expect(calls).not.toContain("openGate");
    expect(end.verdict).toMatchObject({
      code: "verify_mismatch",
      incomplete: true,
      phase: "verifying",
    });
    expect(end.verdict?.cure).toMatch(/does not boot/);
  });

  test("never opens the gate when the sender was lost", async () => {
    const outcome = {
      ok: false,
      code: "sender_lost",
      reason: "silent for 60 s",
      cure: "look",
    } as const;
    const { calls, end } = await play({ outcome });
    expect([calls.includes("flush"), calls.includes("openGate")]).toEqual([false, false]);
    expect(end.verdict).toMatchObject({ code: "sender_lost", incomplete: true });
  });
});

test("all that a receiver says to the server is frozen", async () => {
  for (const script of [{}, { order: order("save") }, { disks: [] }]) {
    const { said } = await play(script);
    expect(said.map(([kind]) => kind)).toEqual(
      expect.arrayContaining(["join-request", "status-report", "verdict-report"]),
    );
    for (const [kind, body] of said) expect(misfit(kind, body)).toBeUndefined();
  }
});

describe("P3: a load that the server asks to stop", () => {
  test.each([
    ["scanning", true],
    ["receiving", false],
    ["verifying", false],
  ] as const)("stops in the middle of %s", async (stopIn, diskUntouched) => {
    const { calls, end } = await play({ stopIn });
    expect(calls).not.toContain("openGate");
    expect(end.verdict).toMatchObject({ code: "aborted", phase: stopIn, diskUntouched });
  });
});

describe("a save", () => {
  test("P5: opens the disk so that nothing can write to it", async () => {
    expect((await play({ order: order("save") })).opened).toEqual(["read"]);
    expect((await play({})).opened).toEqual(["write"]);
  });

  test("reads, streams, commits, and says ok with the disk untouched", async () => {
    const { calls, end } = await play({ order: order("save") });
    expect(calls).toEqual(["open", "capture", "append", "commit", "close"]);
    expect(end.verdict).toMatchObject({ code: "ok", diskUntouched: true });
  });

  test("takes the upload back when the file system is dirty", async () => {
    const failure = new NodeFailure("source_dirty", "ext4 needs recovery", "shut it down cleanly");
    const { calls, end } = await play({ order: order("save"), diskFails: ["capture", failure] });
    expect(calls).toContain("abort upload");
    expect(end.verdict).toMatchObject({ code: "source_dirty", diskUntouched: true });
  });
});
