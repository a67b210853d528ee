/**
 * Goal: the table of `huck status` says what is true of each node. Method: nodes as the server
 * tells them, on screens of several widths.
 */
import { expect, test } from "vitest";
import type { NodeStatus } from "../../../../../shared/control/operator-api.ts";
import { statusLines } from "../../../../../server/cli/remote/status-text.ts";
import { verdictOf } from "../../../../rig/lab-kit.ts";

function node(name: string, more: Partial<NodeStatus>): NodeStatus {
  return {
    ...{ name, macs: [], reimage: "free", power: "on", powerReason: "", powerFailed: false },
    ...{ phase: "done", job: null, image: "ubuntu", incomplete: false, verdict: verdictOf("ok") },
    ...{ lastSeen: null, pingMs: null, reachable: null, disks: [] },
    ...more,
  };
}

test("statusLines() names the verdict of a node, and marks a disk that is half written", () => {
  const lost = verdictOf("lost");
  const nodes = [
    node("fit01", {}),
    node("fit02", { verdict: lost, incomplete: true }),
    node("fit03", { phase: "waiting", image: null, verdict: null }),
  ];
  expect(statusLines(nodes, Infinity)).toEqual([
    "node   power  ping       state    image            last",
    "fit01  on     not asked  ok       ubuntu           1970-01-01 00:00 ok",
    "fit02  on     not asked  lost     ubuntu (a part)  " +
      "1970-01-01 00:00 NOT OK lost: the reason. The cure.",
    "fit03  on     not asked  waiting",
  ]);
  for (const columns of [80, 40, 30]) {
    const lines = statusLines(nodes, columns);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(lines.join(" ")).toMatch(/fit02.* lost/);
  }
});

test("statusLines() tells why a power state is unknown, once for all nodes with one reason", () => {
  const manual = { power: "unknown", powerReason: "it is switched by hand" } as const;
  const dead = { power: "unknown", powerReason: "its state command exited with 1" } as const;
  const names = ["fit02", "fit03", "fit04", "fit05", "fit06"];
  const nodes = [node("fit01", dead), ...names.map((name) => node(name, manual))];
  expect(statusLines(nodes, Infinity).slice(-2)).toEqual([
    "power of fit01: its state command exited with 1",
    "power of 5 nodes: it is switched by hand",
  ]);
});
