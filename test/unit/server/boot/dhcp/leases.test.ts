/**
 * Goal: no address is given twice, and the same node gets the same one.
 * Method: a small pool filled to its end, restarts, declines; a property over random orders.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  DECLINED_REST_MS,
  Leases,
  DECLINED_PER_MAC_MAX,
} from "../../../../../server/boot/dhcp/leases.ts";
import type { BootNode } from "../../../../../server/boot/boot-table.ts";
import { bootTable } from "../../../../rig/dhcp-vectors.ts";
import type { NetworkTable } from "../../../../rig/dhcp-vectors.ts";

const macs = Array.from({ length: 10 }, (_, index) => `02:00:00:00:00:0${index}`);

function lab(
  nodes: Readonly<Record<string, Partial<BootNode>>> = {},
  last = "10.77.0.20",
): NetworkTable {
  const pool = { first: "10.77.0.10", last };
  return {
    ...bootTable({ mode: "full", pool, router: "10.77.0.11" }),
    nodes: new Map(macs.map((mac) => [mac, { name: "n", answer: "disk", ...nodes[mac] }])),
  };
}

function leasesOf(from: NetworkTable): Leases {
  const leases = new Leases(from.network);
  leases.adopt(from);
  return leases;
}

test("Leases.addressFor() gives every node another address and never a named one", () => {
  const given = macs.map((mac) => leasesOf(lab()).addressFor(mac, 0));
  const leases = leasesOf(lab({ [macs[0] ?? ""]: { address: "10.77.0.12" } }));
  const all = macs.map((mac) => leases.addressFor(mac, 0));
  expect(all[0]).toBe("10.77.0.12");
  expect(new Set(all.slice(0, 10)).size).toBe(10);
  expect(all).not.toContain("10.77.0.11");
  expect(given).not.toContain(undefined);
});

test("Leases.addressFor() gives the same address again, and after a restart", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(macs, { minLength: 1 }), (order) => {
      const before = leasesOf(lab());
      const first = new Map(order.map((mac) => [mac, before.addressFor(mac, 0)]));
      for (const mac of order) expect(before.addressFor(mac, 1)).toBe(first.get(mac));
      const after = leasesOf(lab()); // a restart: nodes ask for what they had
      for (const mac of order)
        expect(after.addressFor(mac, 0, first.get(mac))).toBe(first.get(mac));
    }),
  );
});

test("Leases.addressFor() grants no wish outside the pool or of an address in use", () => {
  const leases = leasesOf(lab());
  const [first = "", second = ""] = macs;
  const owned = leases.addressFor(first, 0);
  for (const wish of ["10.77.0.1", "10.77.0.11", "10.77.1.10", "10.77.0.21", owned]) {
    leases.release(second);
    expect(leases.addressFor(second, 0, wish)).not.toBe(wish);
  }
});

test("Leases.addressFor() gives nothing when the pool is used up or missing", () => {
  const leases = leasesOf(lab({}, "10.77.0.12"));
  const given = macs.map((mac) => leases.addressFor(mac, 0));
  expect(given.filter((one) => one !== undefined)).toHaveLength(2);
  expect(leasesOf(bootTable()).addressFor("52:54:00:77:00:00", 0)).toBeUndefined();
});

test("Leases.decline() lets an address rest, but only the one its node had", () => {
  const leases = leasesOf(lab());
  const [first = "", second = ""] = macs;
  const had = leases.addressFor(first, 0) ?? "";
  leases.decline(second, had, 0);
  expect(leases.addressFor(first, 0)).toBe(had);
  leases.decline(first, had, 0);
  expect(leases.addressFor(second, DECLINED_REST_MS - 1, had)).not.toBe(had);
  leases.release(second);
  expect(leases.addressFor(second, DECLINED_REST_MS, had)).toBe(had);
});

test("Leases.decline() never empties a pool, and one node makes only few addresses rest", () => {
  const leases = leasesOf(lab({}, "10.77.0.15"));
  const [forged = "", honest = "", third = ""] = macs;
  const declined = new Set<string>();
  for (let count = 0; count < 50; count += 1) {
    const had = leases.addressFor(forged, count) ?? "";
    expect(had).not.toBe("");
    leases.decline(forged, had, count);
    declined.add(had);
  }
  const resting = [...declined].filter((one) => {
    const given = leases.addressFor(honest, 60, one);
    leases.release(honest);
    return given !== one;
  });
  expect(resting).toHaveLength(DECLINED_PER_MAC_MAX);
  const all = macs.slice(0, 5).map((mac) => leases.addressFor(mac, 60));
  expect(new Set(all).size).toBe(5); // of the pool's five, two of them rested
  expect(all).not.toContain(undefined);
  leases.decline(third, leases.addressFor(third, 61) ?? "", 61);
  expect(leases.addressFor(third, 62)).not.toBeUndefined();
});

test("Leases.release() gives up only the address that is named", () => {
  const leases = leasesOf(lab());
  const [first = ""] = macs;
  const had = leases.addressFor(first, 0, "10.77.0.15"); // not the one that is wished for below
  expect(had).toBe("10.77.0.15");
  leases.release(first, "10.77.0.19");
  leases.release(first, "0.0.0.0");
  expect(leases.addressFor(first, 0, "10.77.0.18")).toBe(had);
  leases.release(first, had);
  expect(leases.addressFor(first, 0, "10.77.0.18")).toBe("10.77.0.18");
});

test("Leases.adopt() forgets nodes that left the inventory", () => {
  const leases = leasesOf(lab({}, "10.77.0.10"));
  const [first = "", second = ""] = macs;
  expect(leases.addressFor(first, 0)).toBe("10.77.0.10");
  expect(leases.addressFor(second, 0)).toBeUndefined();
  const without = lab({}, "10.77.0.10");
  leases.adopt({ ...without, nodes: new Map([[second, { name: "n", answer: "disk" }]]) });
  expect(leases.addressFor(second, 0)).toBe("10.77.0.10");
});
