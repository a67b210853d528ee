/**
 * Goal: status says what was asked and what came back, in order, and asks in a bounded number of
 * lanes. Method: askers of the test that count themselves.
 */
import { expect, test } from "vitest";
import type { NodeStatus } from "../../../../shared/control/operator-api.ts";
import type { PowerReading } from "../../../../server/power/power-driver.ts";
import { NodeProber } from "../../../../server/api/node-prober.ts";

const ON: PowerReading = { power: "on", reason: "", failed: false };
const LOST: PowerReading = { power: "unknown", reason: "the BMC is silent", failed: true };

function statusOf(name: string): NodeStatus {
  return {
    name,
    macs: [],
    reimage: "free",
    power: "unknown",
    powerReason: "",
    powerFailed: false,
    phase: "waiting",
    job: null,
    image: null,
    incomplete: false,
    verdict: null,
    lastSeen: null,
    pingMs: null,
    reachable: null,
    disks: [],
  };
}

test("NodeProber.probe() tells answering, silent and unasked nodes apart", async () => {
  const prober = new NodeProber({
    ping: (address) => Promise.resolve(address === "10.0.0.1" ? 0.5 : undefined),
    addressOf: (node) => ({ a: "10.0.0.1", b: "10.0.0.2" })[node],
    powerOf: () => Promise.resolve(ON),
  });
  const [a, b, c] = await prober.probe(["a", "b", "c"].map(statusOf));
  expect(a).toMatchObject({ name: "a", power: "on", pingMs: 0.5, reachable: true });
  expect(b).toMatchObject({ name: "b", pingMs: null, reachable: false });
  expect(c).toMatchObject({ name: "c", pingMs: null, reachable: null });
});

test("NodeProber.probe() says why power is unknown, and whether it may ping", async () => {
  const prober = new NodeProber({
    ping: undefined,
    addressOf: () => "10.0.0.1",
    powerOf: () => Promise.resolve(LOST),
  });
  expect(await prober.probe([statusOf("a")])).toMatchObject([
    { reachable: null, power: "unknown", powerReason: "the BMC is silent", powerFailed: true },
  ]);
});

test("NodeProber.probe() asks at most 64 nodes at a time", async () => {
  let open = 0;
  let most = 0;
  const prober = new NodeProber({
    ping: undefined,
    addressOf: () => undefined,
    powerOf: async () => {
      open += 1;
      most = Math.max(most, open);
      await Promise.resolve();
      open -= 1;
      return LOST;
    },
  });
  const names = Array.from({ length: 200 }, (_, index) => `n${index}`);
  const probed = await prober.probe(names.map(statusOf));
  expect(probed.map(({ name }) => name)).toEqual(names);
  expect(most).toBeLessThanOrEqual(64);
});
