/**
 * Goal: only this server's fresh order for this node and boot is obeyed, and one of a newer server
 * only as far as this receiver understands it. Method: real keys, every member changed once.
 */
import { generateKeyPairSync, sign } from "node:crypto";
import { expect, test } from "vitest";
import {
  type LoadOrder,
  type OrderExpectation,
  SPKI_ED25519_PREFIX,
  SignedOrder,
  openOrder,
  signOrder,
} from "../../../../shared/control/order.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const rawPublicKey = publicKey
  .export({ format: "der", type: "spki" })
  .subarray(SPKI_ED25519_PREFIX.byteLength);
const MAC = "52:54:00:00:00:01";

const order: LoadOrder = {
  action: "load",
  id: "0".repeat(32),
  attempt: 1,
  node: "pc-1",
  macs: [MAC, "52:54:00:00:00:11"],
  nonce: "a".repeat(32),
  issuedAt: "2026-01-01T00:00:00.000Z",
  expiresAt: "2026-01-01T01:00:00.000Z",
  needs: [],
  disk: [{ serial: "S1" }],
  leave: "reboot",
  image: { id: "b".repeat(64), name: "ubuntu" },
  verify: "sample",
  delta: true,
};
const expectation: OrderExpectation = {
  publicKey: rawPublicKey,
  macs: [MAC],
  nonce: order.nonce,
  features: [],
  now: new Date("2026-01-01T00:30:00.000Z"),
};

/** Signs what a server of another version might write. */
function signedText(text: string): SignedOrder {
  const bytes = Buffer.from(`huck-order-v1\0${text}`);
  return { order: text, signature: sign(null, bytes, privateKey).toString("hex") };
}

function signedWith(more: object): SignedOrder {
  return signedText(JSON.stringify({ ...order, ...more }));
}

test("openOrder() obeys the server's own fresh order, also after a trip through JSON", () => {
  const signed = SignedOrder.parse(JSON.parse(JSON.stringify(signOrder(order, privateKey))));
  expect(openOrder(signed, expectation)).toEqual({ ok: true, order });
});

test("openOrder() calls an order forged when any member was changed", () => {
  const signed = signOrder(order, privateKey);
  const changes: object[] = [
    { id: "1".repeat(32) },
    { attempt: 2 },
    { node: "pc-2" },
    { macs: ["52:54:00:00:00:02"] },
    { nonce: "c".repeat(32) },
    { expiresAt: "2027-01-01T00:00:00.000Z" },
    { needs: ["other"] },
    { disk: [{}] },
    { image: { id: "c".repeat(64), name: "ubuntu" } },
    { verify: "flush" },
    { leave: "poweroff" },
    { delta: false },
    { unknown: 1 },
  ];
  for (const change of changes) {
    const forged = { ...signed, order: JSON.stringify({ ...order, ...change }) };
    expect(openOrder(forged, expectation), JSON.stringify(change)).toMatchObject({
      code: "order_forged",
    });
  }
  expect(openOrder({ ...signed, order: "{" }, expectation)).toMatchObject({
    code: "order_forged",
    claimedId: undefined,
  });
});

test("openOrder() calls an order forged when another key signed it", () => {
  const other = generateKeyPairSync("ed25519").privateKey;
  expect(openOrder(signOrder(order, other), expectation)).toMatchObject({ code: "order_forged" });
});

test("openOrder() refuses another node's order, another boot's order and an old one", () => {
  const signed = signOrder(order, privateKey);
  const late = new Date("2026-01-01T01:00:00.001Z");
  const codeWith = (change: Partial<OrderExpectation>): unknown =>
    openOrder(signed, { ...expectation, ...change });
  expect(codeWith({ macs: ["52:54:00:00:00:02"] })).toMatchObject({ code: "order_replayed" });
  expect(codeWith({ nonce: "d".repeat(32) })).toMatchObject({ code: "order_replayed" });
  expect(codeWith({ now: late })).toMatchObject({ code: "order_expired", claimedId: order.id });
});

test("openOrder() skips a field of a newer server that is signed with the rest", () => {
  const opened = openOrder(signedWith({ colour: "green", image: { ...order.image, tag: 1 } }), {
    ...expectation,
  });
  expect(opened).toEqual({ ok: true, order });
});

test("openOrder() refuses an order that needs a feature this receiver lacks", () => {
  const signed = signedWith({ needs: ["one-partition"], partition: 2 });
  expect(openOrder(signed, expectation)).toMatchObject({
    ok: false,
    code: "receiver_older",
    reason: expect.stringContaining("one-partition") as string,
  });
  const able = { ...expectation, features: ["one-partition"] };
  expect(openOrder(signed, able)).toMatchObject({ ok: true });
});

test.each([
  ["a condition in a disk rule", { disk: [{ serial: "S1", partition: 2 }] }],
  ["an action", { action: "wipe" }],
  ["a verify level", { verify: "none" }],
  ["a way out", { leave: "kexec" }],
])("openOrder() refuses %s that it does not know, although it is signed", (_what, more) => {
  expect(openOrder(signedWith(more), expectation)).toMatchObject({ code: "receiver_older" });
});

test("openOrder() reads the defaults into an order of a server that lacks the field", () => {
  const older = signedWith({ delta: undefined, verify: undefined, needs: undefined });
  expect(older.order).not.toContain("delta");
  expect(openOrder(older, expectation)).toEqual({ ok: true, order });
});
