/**
 * Goal: an admin finds a computer that boots and is unknown, whatever else asks. Method: made-up
 * questions in made-up time.
 */
import { expect, test } from "vitest";
import { ASKERS_MAX, Askers, RECENT_MAX } from "../../../../server/boot/askers.ts";
import type { BootQuestion } from "../../../../server/boot/askers.ts";

const NODE = "52:54:00:77:00:01";
const STRANGER = "52:54:00:99:00:01";
const nodeOf = (mac: string): string | undefined => (mac === NODE ? "n1" : undefined);

function ask(mac: string, outcome: BootQuestion["outcome"] = "unknown_node"): BootQuestion {
  return { via: "dhcp", mac, what: "discover by pxe on bios", outcome };
}

test("Askers.list() gives unknown MACs first, then nodes, then addresses", () => {
  const askers = new Askers();
  askers.note({ via: "tftp", address: "10.77.0.9", what: "a\x1b[2Jb", outcome: "not_found" }, 0);
  askers.note(ask(STRANGER), 1);
  askers.note(ask(STRANGER), 4000);
  askers.note({ ...ask(NODE, "answered"), address: "10.77.0.5" }, 5000);
  const list = askers.list(6000, nodeOf);
  expect(list.map(({ mac, address }) => mac ?? address)).toEqual([STRANGER, NODE, "10.77.0.9"]);
  expect(list[0]).toMatchObject({ count: 2, firstAt: 1, lastAt: 4000, outcome: "unknown_node" });
  expect(list[1]).toMatchObject({ node: "n1", address: "10.77.0.5" });
  expect(list[2]?.what).toBe("a?[2Jb");
});

test("Askers.list() forgets after an hour", () => {
  const askers = new Askers();
  askers.note(ask(STRANGER), 0);
  expect(askers.list(3_599_999, nodeOf)).toHaveLength(1);
  expect(askers.list(3_600_000, nodeOf)).toHaveLength(0);
});

test("Askers.note() keeps who asks again through a flood of new MACs, within its bounds", () => {
  const askers = new Askers();
  for (const at of [0, 4000, 12_000]) askers.note(ask(STRANGER), at);
  const flood = (from: number): void => {
    for (let index = 0; index < 50_000; index += 1) {
      askers.note(ask(`02:${from}:${index}`), 12_001 + from * 1000);
    }
  };
  flood(1);
  flood(2);
  const list = askers.list(20_000, nodeOf);
  expect(list.some(({ mac }) => mac === STRANGER)).toBe(true);
  expect(list.length).toBeLessThanOrEqual(ASKERS_MAX.once + ASKERS_MAX.again);
});

test("Askers.list() tells the last questions of an asker in order, and counts repeats", () => {
  const askers = new Askers();
  const say = (via: BootQuestion["via"], what: string, at: number): void => {
    askers.note({ via, mac: NODE, what, outcome: "answered" }, at);
  };
  say("dhcp", "discover", 0);
  say("dhcp", "discover", 4000);
  say("tftp", "huck/loader", 5000);
  say("http", "/script", 6000);
  const [first] = askers.list(6000, nodeOf);
  expect(first).toMatchObject({ count: 4, via: "http", what: "/script" });
  expect(first?.recent.map(({ at, count, via, what }) => [at, count, via, what])).toEqual([
    [4000, 2, "dhcp", "discover"],
    [5000, 1, "tftp", "huck/loader"],
    [6000, 1, "http", "/script"],
  ]);
  for (let index = 0; index < 100; index += 1) say("http", `/${index}`, 7000);
  const [later] = askers.list(7000, nodeOf);
  expect(later?.recent).toHaveLength(RECENT_MAX);
  expect(later?.recent.at(-1)).toMatchObject({ what: "/99" });
});
