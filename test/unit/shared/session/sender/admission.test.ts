/**
 * Goal: members by given numbers only, and a flood costs the address it comes from.
 * Method: reports of strangers at a sender that gives numbers, and at one that was given them.
 */
import { expect, test } from "vitest";
import { seededRandom } from "../../../../../shared/core/random.ts";
import { AdmissionDesk } from "../../../../../shared/session/sender/admission.ts";
import { createSender } from "../../../../../shared/session/sender/engine.ts";
import { TestBatch } from "./batch.ts";
import { senderOptions } from "./options.ts";
import { Peer } from "./peer.ts";

const secret = new Uint8Array(16).fill(3);
const at = (address: string): { address: string; port: number } => ({ address, port: 7267 });

test("AdmissionDesk of a server's numbers knows those and no others", () => {
  const desk = new AdmissionDesk({ by: "server", admits: (node) => node === 5 });
  expect(desk.judge(5, at("a"), 0, 0)).toBe("admit");
  expect(desk.judge(6, at("a"), 0, 0)).toBe("refuse");
});

test("AdmissionDesk admits the number it gave from the address it gave it to", () => {
  const desk = new AdmissionDesk({ by: "sender", secret });
  expect(desk.judge(0x12345678, at("10.0.0.1"), 0, 0)).toBe("give a number");
  const given = desk.numberFor(0x12345678, at("10.0.0.1"));
  expect(given & 0xffff).toBe(0x5678);
  expect(desk.judge(given, at("10.0.0.1"), 0, 0)).toBe("admit");
  expect(desk.judge(given, at("10.0.0.2"), 0, 0)).toBe("give a number");
  expect(desk.judge(given, at("10.0.0.1"), 64, 0)).toBe("refuse");
});

test("AdmissionDesk answers an honest receiver while another address floods it", () => {
  const desk = new AdmissionDesk({ by: "sender", secret });
  const random = seededRandom(4);
  let answered = 0;
  for (let now = 0; now < 10_000; now += 1) {
    for (let flood = 0; flood < 50; flood += 1) {
      if (desk.judge(random.u32(), at("10.0.0.66"), 0, now) === "give a number") answered += 1;
    }
    if (now % 500 === 0) expect(desk.judge(7, at("10.0.0.1"), 0, now)).toBe("give a number");
  }
  expect(answered).toBeLessThan(64 + 20 * 10 + 10);
});

test("a sender has no memory of those that invent numbers, whatever they say", () => {
  const options = senderOptions({
    start: { membersMin: 2, membersMax: 2, waitMinMs: 0, waitMaxMs: 1e6 },
    admission: { by: "server", admits: (node) => node === 1 },
  });
  const sender = createSender(options);
  sender.tick(0);
  new Peer(options, 1).report(sender, {}, 0);
  const stranger = new Peer(options, 2);
  for (let count = 0; count < 1000; count += 1) {
    stranger.report(sender, { ringPercent: 100 }, count);
    stranger.nack(sender, { ringPercent: 100 }, count);
  }
  const { members, dropped } = sender.stats();
  expect(members.map(({ node }) => node)).toEqual([1]);
  expect(dropped).toBe(2000);
});

test("a member's messages count from its own address only, until that falls silent", () => {
  const options = senderOptions();
  const sender = createSender(options);
  sender.tick(0);
  const member = new Peer(options, 1);
  const forger = new Peer(options, 1);
  Object.assign(forger, { remote: at("10.0.0.66") });
  member.report(sender, {}, 0);
  forger.report(sender, { state: "failed", reason: "forged" }, 1000);
  expect(sender.stats().members).toMatchObject([{ state: "active" }]);
  forger.report(sender, { state: "receiving" }, 3000);
  expect(sender.stats().members).toMatchObject([{ remote: { address: "10.0.0.66" } }]);
});

test("a sender reads no more of a member's messages than an honest one sends", () => {
  const options = senderOptions();
  const sender = createSender(options);
  sender.tick(0);
  const member = new Peer(options, 1);
  member.report(sender, {}, 0);
  sender.tick(1);
  sender.transmit(new TestBatch(options.arena), 1);
  for (let count = 0; count < 5000; count += 1) member.nack(sender, {}, 2 + count / 5);
  expect(sender.stats().nacksReceived).toBeLessThan(550);
});
