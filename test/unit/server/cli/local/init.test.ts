/**
 * Goal: `huck init` gives a folder to start from and never overwrites. Method: the real binary in a
 * fresh folder.
 */
import { appendFileSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { parseConfig } from "../../../../rig/parse-config.ts";
import { NODE_DRIVERS } from "../../../../../server/node-drivers.io.ts";
import { CONFIG_TEMPLATE } from "../../../../../server/cli/local/init.io.ts";
import { dropFolders, freshFolder } from "../../../../rig/lab-kit.ts";
import { huck } from "../remote/cli-kit.ts";

afterAll(dropFolders);

test("CONFIG_TEMPLATE is a valid configuration, also with its alternatives taken", () => {
  expect(parseConfig(CONFIG_TEMPLATE, "/x/huck.yaml", NODE_DRIVERS).inventory.nodes).toEqual([]);
  const taken = CONFIG_TEMPLATE.replace("  interface: eth0\n", "")
    .replace("  # address:", "  address:")
    .replace("  dhcp: { mode: proxy }\n  # dhcp:", "  dhcp:")
    .replace("  # rateMbit", "  rateMbit")
    .replace("  power: { driver: manual }\n", "")
    .replace("  disk: [{}]\n  # disk", "  disk")
    .replace(/^ {2}# (leave|kernelArguments):/gm, "  $1:")
    .replace("nodes: []\n", "nodes:\n")
    .replace(/# power:\n[^]*?\n\n/, (block) => block.replace(/^ {2}# /gm, "  ").replace("# ", ""))
    .replace(/^#( {2}- )/gm, "$1");
  const { server, inventory } = parseConfig(taken, "/x/huck.yaml", NODE_DRIVERS);
  expect(server).toMatchObject({ address: "10.0.0.1", rateMbit: 900, dhcp: { mode: "full" } });
  expect(inventory.nodes.map(({ name }) => name)).toEqual(["fit01", "fit02"]);
  expect(inventory.nodes[0]).toMatchObject({
    leave: "reboot",
    kernelArguments: ["console=ttyS0,115200", "huck.data-interface=eth1"],
    power: { driver: "command" },
  });
});

test("huck init makes file, folders and a private key, and a second run keeps them", async () => {
  const folder = path.join(freshFolder(), "lab");
  expect((await huck(["init", folder])).exitCode).toBe(0);
  const key = path.join(folder, "state/order-key.pem");
  expect(statSync(key).mode & 0o777).toBe(0o600);
  const before = readFileSync(key, "utf8");
  appendFileSync(path.join(folder, "huck.yaml"), "# mine\n");
  const again = await huck(["init", folder]);
  expect(again.stdout).toMatch(/^kept .*huck\.yaml$/m);
  expect(readFileSync(key, "utf8")).toBe(before);
  expect(readFileSync(path.join(folder, "huck.yaml"), "utf8")).toMatch(/# mine\n$/);
});
