/**
 * Goal: what the interface makes impossible is refused before a port is opened. Method: addresses
 * that this host need not have.
 */
import { expect, test } from "vitest";
import { Inventory } from "../../../../server/inventory/inventory.ts";
import { startLabBoot } from "../../../../server/enter/lab-boot.io.ts";

const lab = { interfaceName: "lab0", address: "10.0.0.1", netmask: "255.255.255.0" };

test.each([
  ["its end", "10.0.0.250", "10.0.1.20"],
  ["its begin", "9.255.255.250", "10.0.0.20"],
  ["all of it", "192.168.0.1", "192.168.0.9"],
])(
  "startLabBoot() refuses a range that lies partly or wholly (%s) outside the interface's subnet",
  async (_, first, last) => {
    const starting = startLabBoot({
      lab,
      dhcp: { mode: "full", range: { first, last } },
      port: 4081,
      files: "/nonexistent",
      inventory: () => new Inventory([], {}),
      wantsReceiver: () => false,
      grant: () => undefined,
      event: () => undefined,
      problem: () => undefined,
    });
    await expect(starting).rejects.toMatchObject({
      code: "range_outside",
      message:
        `Cannot hand out ${first}-${last}: lab0 has 10.0.0.1 with mask 255.255.255.0, ` +
        "addresses of that subnet wanted",
    });
  },
);
