/**
 * Goal: lease times, echoes and lengths of our answers are those of the standards.
 * Method: each kind of answer from a captured request; what engine.test.ts does not look at.
 */
import { expect, test } from "vitest";
import { firmwareOf } from "../../../../../server/boot/dhcp/firmware.ts";
import { readMessage } from "../../../../../server/boot/dhcp/message.ts";
import {
  informReply,
  leaseReply,
  nakReply,
  proxyReply,
} from "../../../../../server/boot/dhcp/reply.ts";
import type { ReplyContext } from "../../../../../server/boot/dhcp/reply.ts";
import { bootTable, variant } from "../../../../rig/dhcp-vectors.ts";

function context(options: Readonly<Record<number, readonly number[]>> = {}): ReplyContext {
  const request = readMessage(variant("ovmf-pxe-discover", {}, options));
  const { network } = bootTable();
  return { request, firmware: firmwareOf(request), network, boot: { kind: "disk" } };
}

test("leaseReply() renews at half and rebinds at seven eighths of the lease", () => {
  const { options } = leaseReply(context(), "ack", "10.77.0.9");
  const seconds = [51, 58, 59].map((code) => Buffer.from(options.get(code) ?? []).readUInt32BE(0));
  expect(seconds).toEqual([7200, 3600, 6300]);
  expect(options.get(28)).toEqual(Uint8Array.of(10, 77, 0, 255));
});

test("every reply keeps the transaction and says who it is", () => {
  const from = context();
  for (const one of [proxyReply(from, "offer"), informReply(from), nakReply(from)]) {
    expect([one.operation, one.transactionId, one.mac]).toEqual([
      2,
      from.request.transactionId,
      from.request.mac,
    ]);
    expect(one.options.get(54)).toEqual(Uint8Array.of(10, 77, 0, 1));
    expect(one.bootFile).toBe("");
  }
});

test("replies echo a client identifier as it came, up to 64 bytes (RFC 6842)", () => {
  const id = [255, 1, 2, 3, 4, 0, 4, 9, 9];
  expect(leaseReply(context({ 61: id }), "ack", "10.77.0.9").options.get(61)).toEqual(
    Uint8Array.from(id),
  );
  const long = Array<number>(65).fill(1);
  expect(nakReply(context({ 61: long })).options.has(61)).toBe(false);
});

test("replies echo only a GUID of 17 bytes and relay information of at most 64", () => {
  const wrong = proxyReply(context({ 97: [0, 1, 2], 82: Array<number>(65).fill(1) }), "offer");
  expect([wrong.options.has(97), wrong.options.has(82)]).toEqual([false, false]);
  const right = proxyReply(context({ 82: Array<number>(64).fill(1) }), "offer");
  expect([right.options.has(97), right.options.has(82)]).toEqual([true, true]);
});
