/**
 * Goal: what rhubarbe's users type names the nodes they mean, and anything doubtful names none.
 * Method: tables of words against small inventories; properties against random ranges.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { SituationError } from "../../../../../shared/core/errors.ts";
import { selectNodes } from "../../../../../server/cli/remote/node-range.ts";

const FIT = Array.from({ length: 37 }, (_, index) => `fit${String(index + 1).padStart(2, "0")}`);
const MIXED = [...FIT, "reboot12", "gateway"];

function select(words: string, names: readonly string[] = FIT, all = false): string {
  const typed = words === "" ? [] : words.split(" ");
  return selectNodes({ words: typed, all, fallback: undefined }, names)
    .map((name) => name.replace(/^fit/, ""))
    .join(" ");
}

test.each([
  ["7", "07"],
  ["007", "07"],
  ["fit7", "07"],
  ["fit07", "07"],
  ["1-4", "01 02 03 04"],
  ["4-16-4", "04 08 12 16"],
  ["fit4-fit6", "04 05 06"],
  ["fit04-6", ""],
  ["1-3,9", "01 02 03 09"],
  ["9 1-3", "01 02 03 09"],
  ["fit[01-03]", "01 02 03"],
  ["fit[1,3-5]", "01 03 04 05"],
  ["fit[1-9-4]", "01 05 09"],
  ["1-10,~3-8", "01 02 09 10"],
  ["1-10 ~3-8 5", "01 02 05 09 10"],
  ["30-37", "30 31 32 33 34 35 36 37"],
])("selectNodes() expands %s", (words, wanted) => {
  if (wanted === "") expect(() => select(words)).toThrow(SituationError);
  else expect(select(words)).toBe(wanted);
});

test.each([
  ["ubuntu-24"],
  ["38"],
  ["40-50"],
  ["30-38"],
  ["fit[03-37,39]"],
  ["1-3 ~30-38"],
  ["fit[1-02]"],
  ["fit[001-02]"],
  ["5-3"],
  ["1-9-0"],
  ["1-99999"],
  ["~7"],
  ["1-3 ~1-5"],
  ["fit[]"],
  ["fit[1-"],
  ["-3"],
  ["1-2-3-4"],
  ["reboot1"],
])("selectNodes() refuses %s with exit code usage", (words) => {
  expect(() => select(words)).toThrow(expect.objectContaining({ code: "bad_nodes", exitCode: 2 }));
});

test("selectNodes() begins with all nodes for -a", () => {
  expect(select("~1-35", FIT, true)).toBe("36 37");
  expect(select("", FIT, true).split(" ")).toHaveLength(37);
});

test("selectNodes() falls back to $NODES only when nothing was typed", () => {
  const selection = { words: [], all: false, fallback: "fit01 2,3" };
  expect(selectNodes(selection, FIT)).toEqual(["fit01", "fit02", "fit03"]);
  expect(selectNodes({ ...selection, words: ["9"] }, FIT)).toEqual(["fit09"]);
  expect(() => selectNodes({ words: [], all: false, fallback: undefined }, FIT)).toThrow(
    /no node was named/,
  );
});

test("selectNodes() refuses bare numbers when the inventory has several prefixes", () => {
  expect(() => select("12", MIXED)).toThrow(/needs a prefix/);
  expect(select("fit12 reboot12 gateway", MIXED)).toBe("12 reboot12 gateway");
});

test("selectNodes() refuses a number that two names end in", () => {
  expect(() => select("7", ["n7", "n07"])).toThrow(/"n7" or "n07"/);
  expect(select("n07", ["n7", "n07"])).toBe("n07");
});

const PADDED = ["node1", "node01", "node2", "node02", "node003"];

test.each([
  ["node[01-02]", "node01 node02"],
  ["node[1-2]", "node1 node2"],
  ["node01-node02", "node01 node02"],
  ["node[02]", "node02"],
  ["node1", "node1"],
])("selectNodes() takes the digits of %s as they are typed", (words, wanted) => {
  expect(select(words, PADDED)).toBe(wanted);
});

test.each(["2", "02"])("selectNodes() does not choose for %s", (words) => {
  expect(() => select(words, PADDED)).toThrow(/may be "node[0-9]+" or "node[0-9]+"/);
});

test.each(["node[1-3]", "node[01-03]", "node[001-002]"])(
  "selectNodes() takes no node for %s whose digits are others",
  (words) => {
    expect(() => select(words, PADDED)).toThrow(/which huck.yaml does not have/);
  },
);

test("selectNodes() counts from 08 to 100 as the names do", () => {
  const names = Array.from({ length: 100 }, (_, at) => `n${String(at + 1).padStart(2, "0")}`);
  expect(select("n[08-100]", names).split(" ")).toEqual(names.slice(7));
});

test("selectNodes() names every node that is not there, and what is, as it can be typed", () => {
  const names = FIT.filter((name) => !/1[0-9]$/.test(name));
  const thrown = expect.objectContaining({
    message:
      'Cannot tell which nodes are meant: "fit[03-38]" names fit10, fit11, fit12, fit13, ' +
      "fit14, fit15, fit16, fit17 and 3 more, which huck.yaml does not have",
    cure:
      "Nothing was begun. Of these, huck.yaml has fit[03-09,20-37]: name only them, or add " +
      "the others.",
    exitCode: 2,
  }) as unknown;
  expect(() => select("fit[03-38]", names)).toThrow(thrown);
  expect(select("fit[03-09,20-37]", names).split(" ")).toHaveLength(25);
});

test("selectNodes() gives inventory nodes only, each once, in the inventory's order", () => {
  const item = fc.tuple(fc.boolean(), fc.nat(40), fc.nat(40), fc.integer({ min: 1, max: 5 }));
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 6 }), (items) => {
      const words = items.map(
        ([away, a, b, step]) => `${away ? "~" : ""}${Math.min(a, b)}-${Math.max(a, b)}-${step}`,
      );
      let chosen: string[];
      try {
        chosen = selectNodes({ words, all: true, fallback: undefined }, FIT);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(SituationError);
        return;
      }
      expect(chosen).toEqual(FIT.filter((name) => chosen.includes(name)));
    }),
  );
});
