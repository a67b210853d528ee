/**
 * Goal: ends that differ by a release understand each other. Method: today's schemas against the
 * frozen ones and their messages in test/vectors/control, and against a made-up later version.
 */
import { expect, test } from "vitest";
import { Event } from "../../../../shared/control/event.ts";
import { SignedOrder, openOrder } from "../../../../shared/control/order.ts";
import { CONTROL_KINDS, FROZEN_KEY_HEX } from "../../../rig/control-kinds.ts";
import { freezeAll, frozen, frozenNames, misfit, wireSchema } from "../../../rig/frozen-control.ts";

if (process.env["HUCK_FREEZE"] === "1") freezeAll();

const ADVICE =
  "A control schema is not what is frozen in test/vectors/control. Ends of the last version do " +
  "not know the change: give a new member a default and a feature (shared/control/feature.ts), " +
  "remove none, change no meaning. Then HUCK_FREEZE=1 vitest run frozen adds the new schema to " +
  "the old ones; commit the files with the change.";
const kinds = Object.entries(CONTROL_KINDS);
const replies = kinds.filter(([, { direction }]) => direction === "reply");
const requests = kinds.filter(([, { direction }]) => direction === "request");

test("every kind of control message is frozen, and none has gone", () => {
  expect(frozenNames()).toEqual(Object.keys(CONTROL_KINDS).sort());
});

test.each(kinds)("%s has the schema that was frozen last", (name, kind) => {
  expect(wireSchema(kind), ADVICE).toEqual(frozen(name).schemas.at(-1));
});

test.each(kinds)("%s: today's parser reads every frozen message", (name, { schema }) => {
  const { messages } = frozen(name);
  expect(messages.length).toBeGreaterThan(0);
  for (const message of messages) {
    expect(schema.safeParse(message).error, ADVICE).toBeUndefined();
  }
});

test.each(kinds)("%s: what is written today fits the oldest frozen schema", (name, kind) => {
  for (const message of kind.messages) {
    expect(misfit(name, JSON.parse(JSON.stringify(message)))).toBeUndefined();
  }
  expect(misfit(name, []), "the check can fail").toBeDefined();
});

/** A later version of a message: one more member in every object that is no disk rule. */
function newer(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => newer(item, key));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, newer(member, name)]);
  const later = key === "disk" ? {} : { later: { of: "a later version" } };
  return { ...(Object.fromEntries(members) as object), ...later };
}

test.each(replies)("%s of a newer server is read as if nothing was added", (name, { schema }) => {
  for (const message of frozen(name).messages) {
    expect(schema.parse(newer(message))).toEqual(schema.parse(message));
  }
});

test.each([...requests.map(([name]) => name), "order"])("%s gains no member unasked", (name) => {
  const [message] = frozen(name).messages;
  expect(misfit(name, { ...message, later: 1 })).toBeDefined();
});

test.each(requests)("%s of a newer program is refused for what was added", (name, { schema }) => {
  for (const message of frozen(name).messages) {
    const { error } = schema.safeParse({ ...message, later: 1 });
    expect(error?.issues.map(({ code }) => code)).toContain("unrecognized_keys");
  }
});

test("an event of a kind that is not known is passed over", () => {
  const [event] = frozen("event").messages;
  expect(Event.safeParse({ ...event, kind: "weather" }).success).toBe(false);
});

test("replies name features that nobody knows", () => {
  for (const name of ["join-reply", "server-status"]) {
    const [message] = frozen(name).messages;
    const told = { ...message, features: ["from-the-future"] };
    expect(CONTROL_KINDS[name]?.schema.parse(told)).toMatchObject(told);
  }
});

test("words of a later version are read as the plainest ones, and none as a good ending", () => {
  const [status] = frozen("node-list").messages;
  const [node] = (status?.["nodes"] ?? []) as Record<string, unknown>[];
  const later = {
    ...node,
    reimage: "on Sundays",
    power: "dozing",
    phase: "dreaming",
    verdict: { ...(node?.["verdict"] as object), code: "ok_somehow", phase: "dreaming" },
  };
  expect(CONTROL_KINDS["node-list"]?.schema.parse({ nodes: [later] })).toMatchObject({
    nodes: [
      {
        reimage: "confirm",
        power: "unknown",
        phase: "waiting",
        verdict: { code: "receiver_fault" },
      },
    ],
  });
});

test("openOrder() obeys the orders that were frozen with their signatures", () => {
  const messages = frozen("signed-order").messages.map((message) => SignedOrder.parse(message));
  const expected = {
    publicKey: Buffer.from(FROZEN_KEY_HEX, "hex"),
    macs: ["52:54:00:00:00:01"],
    nonce: "b".repeat(32),
    features: [],
    now: new Date("2026-01-01T00:30:00.000Z"),
  };
  for (const message of messages) expect(openOrder(message, expected)).toMatchObject({ ok: true });
});
