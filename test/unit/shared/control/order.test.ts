/**
 * Goal: only this server's fresh order for this node and boot is obeyed. Method: real keys, every
 * member changed once.
 */
import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import {
  type LoadOrder,
  type OrderExpectation,
  SPKI_ED25519_PREFIX,
  SignedOrder,
  refuseOrder,
  signOrder,
} from "../../../../shared/control/order.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const rawPublicKey = publicKey
  .export({ format: "der", type: "spki" })
  .subarray(SPKI_ED25519_PREFIX.byteLength);

const order: LoadOrder = {
  action: "load",
  id: "0".repeat(32),
  attempt: 1,
  node: "pc-1",
  nonce: "a".repeat(32),
  issuedAt: "2026-01-01T00:00:00.000Z",
  expiresAt: "2026-01-01T01:00:00.000Z",
  disk: [{ serial: "S1" }],
  leave: "reboot",
  image: { id: "b".repeat(64), name: "ubuntu" },
  verify: "sample",
  delta: true,
};
const expectation: OrderExpectation = {
  publicKey: rawPublicKey,
  node: "pc-1",
  nonce: order.nonce,
  now: new Date("2026-01-01T00:30:00.000Z"),
};

test("refuseOrder() obeys the server's own fresh order, also after a trip through JSON", () => {
  const signed = SignedOrder.parse(JSON.parse(JSON.stringify(signOrder(order, privateKey))));
  expect(refuseOrder(signed, expectation)).toBeUndefined();
});

test("refuseOrder() calls an order forged when any member was changed", () => {
  const signed = signOrder(order, privateKey);
  const changes: Partial<LoadOrder>[] = [
    { id: "1".repeat(32) },
    { attempt: 2 },
    { node: "pc-2" },
    { nonce: "c".repeat(32) },
    { expiresAt: "2027-01-01T00:00:00.000Z" },
    { disk: [{}] },
    { image: { id: "c".repeat(64), name: "ubuntu" } },
    { verify: "flush" },
    { leave: "poweroff" },
    { delta: false },
  ];
  for (const change of changes) {
    const forged = { ...signed, order: { ...order, ...change } };
    expect(refuseOrder(forged, expectation)?.code, JSON.stringify(change)).toBe("order_forged");
  }
});

test("refuseOrder() calls an order forged when another key signed it", () => {
  const other = generateKeyPairSync("ed25519").privateKey;
  expect(refuseOrder(signOrder(order, other), expectation)?.code).toBe("order_forged");
});

test("refuseOrder() refuses another node's order, another boot's order and an old one", () => {
  const signed = signOrder(order, privateKey);
  const late = new Date("2026-01-01T01:00:00.001Z");
  expect(refuseOrder(signed, { ...expectation, node: "pc-2" })?.code).toBe("order_replayed");
  expect(refuseOrder(signed, { ...expectation, nonce: "d".repeat(32) })?.code).toBe(
    "order_replayed",
  );
  expect(refuseOrder(signed, { ...expectation, now: late })?.code).toBe("order_expired");
});
