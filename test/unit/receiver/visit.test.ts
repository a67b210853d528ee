/**
 * Goal: the order of safety holds in every ending: nothing is written before arming, and a verdict
 * always comes. Method: the real visit, load and save over a scripted disk, link and reception that
 * record every call.
 */
import { describe, expect, test } from "vitest";
import { NodeFailure } from "../../../receiver/failure.ts";
import type { ScanResult } from "../../../receiver/disk/disk-work.ts";
import { misfit } from "../../rig/frozen-control.ts";
import { DISK, LOST, no, order, play, writes } from "../../rig/story-stage.ts";
import type { Script } from "../../rig/story-stage.ts";

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

describe("P3 P16: a load that the server asks to stop", () => {
  test.each([
    ["scanning", true],
    ["probing", true],
    ["receiving", false],
    ["verifying", false],
  ] as const)("stops in the middle of %s", async (stopIn, diskUntouched) => {
    const { calls, end } = await play({ stopIn });
    expect(calls).not.toContain("openGate");
    expect(end.verdict).toMatchObject({ code: "aborted", phase: stopIn, diskUntouched });
  });
});

describe("P16: a load that waits", () => {
  test("neither arms nor closes the gate before the first chunk is there", async () => {
    const { calls, end } = await play({ hangs: "due" });
    expect(calls).toEqual(["open", "useImage", "scan", "listen", "close"]);
    expect(end.verdict).toMatchObject({ code: "aborted", phase: "probing", diskUntouched: true });
  });

  test("leaves the disk alone when the session ends before its first chunk", async () => {
    const { calls, end } = await play({ neverBegins: true });
    expect([writes(calls), calls.includes("arm")]).toEqual([[], false]);
    expect(end.verdict).toMatchObject({ code: "sender_lost", diskUntouched: true });
  });

  test.each(["tail", "session"] as const)(
    "stops at once while the server does not answer for the %s",
    async (hangs) => {
      const { calls, end } = await play({ hangs });
      expect(writes(calls)).toEqual([]);
      expect(end.verdict).toMatchObject({
        code: "aborted",
        reason: "the receiver was told to end (SIGTERM)",
        diskUntouched: true,
      });
    },
  );
});

describe("a save", () => {
  test("stops at once while the server takes no bytes, and takes the upload back", async () => {
    const { calls, end } = await play({ order: order("save"), hangs: "append" });
    expect(calls).toContain("abort upload");
    expect(end.verdict).toMatchObject({ code: "aborted", diskUntouched: true });
  });

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
