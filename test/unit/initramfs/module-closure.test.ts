/**
 * Goal: every chosen module comes with all it needs, in an order that loads without a search.
 * Method: small made-up kernels; random graphs for the order.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { closeModules, parseModuleList } from "../../../initramfs/module-closure.ts";
import type { LoadedModule, ModuleSource } from "../../../initramfs/module-closure.ts";

type Graph = Readonly<Record<string, { depends?: string[]; soft?: string[]; firmware?: string[] }>>;

function kernel(graph: Graph): ModuleSource {
  const load = (name: string): LoadedModule | undefined => {
    const node = graph[name];
    if (node === undefined) return undefined;
    const { depends = [], soft = [], firmware = [] } = node;
    const info = { name, depends, softBefore: soft, aliases: [`of:${name}`], firmware };
    return { info, bytes: Buffer.from(name) };
  };
  return { kernelRelease: "6.12-test", load };
}

test("parseModuleList() reads names, always and comments", () => {
  const list = parseModuleList("# head\nigb  # Intel\n\nalways sd_mod\nvirtio-net\n");
  expect(list).toEqual({ byDevice: ["igb", "virtio_net"], always: ["sd_mod"] });
});

test("parseModuleList() refuses two words, bad characters and a name given twice", () => {
  expect(() => parseModuleList("igb ixgbe")).toThrow(/line 1 is "igb ixgbe"/);
  expect(() => parseModuleList("ok\n../x")).toThrow(/line 2/);
  expect(() => parseModuleList("a-b\nalways a_b")).toThrow(/each name once/);
});

test("closeModules() adds dependencies and existing soft ones, deepest first", () => {
  const source = kernel({
    ext4: { depends: ["jbd2"], soft: ["crc32c", "absent"] },
    jbd2: { depends: ["base"] },
    base: {},
    crc32c: { firmware: ["b.fw", "a.fw"] },
    unused: {},
  });
  const closure = closeModules({ byDevice: ["ext4"], always: ["base"] }, source);
  expect(closure.index.always).toEqual(["base"]);
  expect(closure.index.kernelRelease).toBe("6.12-test");
  expect(Object.keys(closure.index.modules)).toEqual(["base", "crc32c", "ext4", "jbd2"]);
  expect(closure.index.modules["ext4"]).toEqual({
    file: "/lib/modules/ext4.ko",
    depends: ["crc32c", "base", "jbd2"],
    aliases: ["of:ext4"],
  });
  expect([...closure.files.keys()]).toContain("/lib/modules/jbd2.ko");
  expect(closure.firmware).toEqual(["a.fw", "b.fw"]);
});

test("closeModules() names the missing module and who wants it", () => {
  const list = { byDevice: ["a"], always: [] };
  expect(() => closeModules(list, kernel({ a: { depends: ["b"] } }))).toThrow(
    /Cannot add module "b": kernel 6.12-test has no such file, wanted by a/,
  );
  expect(() => closeModules(list, kernel({}))).toThrow(/wanted by modules.txt/);
});

test("closeModules() refuses a circle", () => {
  const source = kernel({ a: { depends: ["b"] }, b: { depends: ["a"] } });
  expect(() => closeModules({ byDevice: ["a"], always: [] }, source)).toThrow(/a -> b -> a/);
});

test("closeModules() orders every module so that nothing comes before its needs", () => {
  const edges = fc.array(fc.tuple(fc.nat(11), fc.nat(11)), { maxLength: 40 });
  fc.assert(
    fc.property(edges, (pairs) => {
      const depends = new Map<string, Set<string>>();
      for (let index = 0; index < 12; index++) depends.set(`m${index}`, new Set());
      // An edge always leads to a smaller number, so there is no circle.
      for (const [a, b] of pairs) {
        if (a !== b) depends.get(`m${Math.max(a, b)}`)?.add(`m${Math.min(a, b)}`);
      }
      const graph = Object.fromEntries([...depends].map(([k, v]) => [k, { depends: [...v] }]));
      const { index } = closeModules({ byDevice: ["m11", "m5"], always: [] }, kernel(graph));
      for (const [name, entry] of Object.entries(index.modules)) {
        const order = [...entry.depends, name];
        expect(new Set(order).size).toBe(order.length);
        for (const [position, step] of order.entries()) {
          for (const need of depends.get(step) ?? []) {
            expect(order.slice(0, position)).toContain(need);
          }
        }
      }
    }),
  );
});
