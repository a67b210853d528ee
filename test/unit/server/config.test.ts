/**
 * Goal: a configuration is taken whole or refused with the line of the mistake. Method: small
 * files.
 */
import { expect, test } from "vitest";
import { serverChanges } from "../../../server/config.ts";
import { parseConfig } from "../../rig/parse-config.ts";
import { NODE_DRIVERS } from "../../../server/node-drivers.io.ts";

const good = `server: { address: 10.0.0.1 }
nodes:
  - name: fit01
    macs: ["52:54:00:00:00:01"]
`;

function mistake(text: string): string {
  try {
    parseConfig(text, "/lab/huck.yaml", NODE_DRIVERS);
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: "bad_config", exitCode: 2 });
    return (thrown as Error).message;
  }
  throw new Error("the text was taken");
}

test("parseConfig() fills in defaults and makes folders absolute", () => {
  const { server, inventory } = parseConfig(good, "/lab/huck.yaml", NODE_DRIVERS);
  expect(server).toMatchObject({
    httpPort: 4080,
    store: "/lab/images",
    state: "/lab/state",
    socket: "/run/huck/huck.sock",
    dhcp: { mode: "proxy" },
    bootFiles: "/lab/build/boot",
    loaders: {},
  });
  expect(inventory.nodes.map(({ name }) => name)).toEqual(["fit01"]);
});

test.each([
  ["", "pxe by default"],
  ["defaults: { enter: pxe }\n", "a name in the defaults"],
  ["defaults: { enter: { driver: pxe } }\n", "settings in the defaults"],
])("parseConfig() gives a node its enter driver from %j: %s", (more) => {
  const { inventory } = parseConfig(`${good}${more}`, "/huck.yaml", NODE_DRIVERS);
  expect(inventory.named("fit01").enter).toEqual({ driver: "pxe" });
});

test("parseConfig() takes loaders of the site's own and makes their paths absolute", () => {
  const loaders = "loaders: { efi-arm64: own/snponly.efi, bios: /srv/undionly.kpxe }";
  const text = good.replace("10.0.0.1 }", `10.0.0.1, ${loaders} }`);
  expect(parseConfig(text, "/lab/huck.yaml", NODE_DRIVERS).server.loaders).toEqual({
    "efi-arm64": "/lab/own/snponly.efi",
    bios: "/srv/undionly.kpxe",
  });
});

test.each([
  [
    "an unknown enter driver",
    `${good}    enter: pixie\n`,
    /line 5: nodes\.0\.enter: .*"pixie".*pxe/,
  ],
  [
    "a loader for unknown firmware",
    "server: { address: 10.0.0.1, loaders: { vax: x } }\n",
    /line 1: server\.loaders/,
  ],
  ["a misspelt word", `${good}    reimge: free\n`, /line 5: nodes\.0: .*reimge/],
  ["a bad value", good.replace('01"', '0x"'), /line 4: nodes\.0\.macs\.0/],
  [
    "a missing name",
    'server: { address: 10.0.0.1 }\nnodes:\n  - macs: ["52:54:00:00:00:01"]\n',
    /line 3: nodes\.0\.name/,
  ],
  [
    "a name twice",
    `${good}  - { name: fit01, macs: ["52:54:00:00:00:02"] }\n`,
    /line 5: name fit01 stands in two/,
  ],
  [
    "a MAC twice",
    `${good}  - name: fit02\n    macs: ["52:54:00:00:00:01"]\n`,
    /line 6: MAC 52:54:00:00:00:01/,
  ],
  [
    "interface and address",
    "server: { address: 10.0.0.1, interface: eth0 }\n",
    /line 1: .*exactly one/,
  ],
  ["neither of them", "server: {}\n", /exactly one/],
  ["no YAML", "server: [\n", /line \d+: /],
  [
    "a key twice",
    "server: { address: 10.0.0.1 }\nserver: { address: 10.0.0.2 }\n",
    /line 2: .*unique/,
  ],
  ["an empty file", "", /line 1: it is empty, keys with values \(key: value\) wanted$/],
  ["a list", "- a\n", /line 1: a list of 1 found, keys with values/],
  ["a section that is empty", "server:\n", /line 1: server: it is empty, keys with values/],
  [
    "an alias without an anchor",
    "server: { address: 10.0.0.1 }\nnodes: *all\n",
    /line 2: \*all has no anchor \(&all\) above it$/,
  ],
  [
    "too many levels",
    `server: { address: 10.0.0.1 }\nnodes: ${"[".repeat(20_000)}\n`,
    /line 2: it is nested too deeply$/,
  ],
  [
    "a second document",
    "server: { address: 10.0.0.1 }\n---\na: 1\n",
    /line 2: a second document begins \("---"\), one wanted$/,
  ],
  [
    "full DHCP without a range",
    "server: { address: 10.0.0.1, dhcp: { mode: full } }\n",
    /dhcp\.range/,
  ],
  [
    "groups that are no multicast",
    "server:\n  address: 10.0.0.1\n  groups: 10.0.0.1-10.0.0.9\n",
    /line 3: server\.groups: 10\.0\.0\.1-10\.0\.0\.9 is not all multicast, groups of 224\.0\.1\.0-/,
  ],
  [
    "groups of the network's own protocols",
    "server: { address: 10.0.0.1, groups: 224.0.0.200-224.0.1.9 }\n",
    /224\.0\.0\.200-224\.0\.1\.9 is not all multicast/,
  ],
  [
    "groups that run backwards",
    "server: { address: 10.0.0.1, groups: 239.1.1.9-239.1.1.1 }\n",
    /server\.groups: 239\.1\.1\.9-239\.1\.1\.1 runs backwards, the lower address first wanted/,
  ],
  [
    "a group that is no address",
    "server: { address: 10.0.0.1, groups: 239.1.1.1-239.1.1.999 }\n",
    /server\.groups: "239\.1\.1\.999" is no IPv4 address/,
  ],
  [
    "a DHCP range that runs backwards",
    "server:\n  address: 10.0.0.1\n  dhcp: { mode: full, range: 10.0.0.9-10.0.0.1 }\n",
    /line 3: server\.dhcp\.range: 10\.0\.0\.9-10\.0\.0\.1 runs backwards/,
  ],
  [
    "a DHCP range that is too long",
    "server:\n  address: 10.0.0.1\n  dhcp: { mode: full, range: 10.0.0.2-10.0.16.2 }\n",
    /line 3: server\.dhcp\.range: 10\.0\.0\.2-10\.0\.16\.2 has 4097 addresses, at most 4096 wanted/,
  ],
  [
    "one port for both HTTP servers",
    "server:\n  address: 10.0.0.1\n  httpPort: 4081\n",
    /line \d: server\.bootPort: httpPort and bootPort are the same, two ports wanted/,
  ],
])("parseConfig() names the line of %s", (_what, text, wanted) => {
  expect(mistake(text)).toMatch(wanted);
});

test("parseConfig() takes any multicast groups, and one port when there are no boot files", () => {
  const more = "groups: 224.0.1.0-224.0.1.1, httpPort: 5000, bootPort: 5000, dhcp: { mode: off }";
  const { server } = parseConfig(
    `server: { address: 10.0.0.1, ${more} }\n`,
    "/lab/huck.yaml",
    NODE_DRIVERS,
  );
  expect(server.groups).toEqual({ first: "224.0.1.0", last: "224.0.1.1" });
});

test("parseConfig() refuses a file that blows itself up with anchors", () => {
  const layers = Array.from(
    { length: 9 },
    (_, index) => `l${index + 1}: &l${index + 1} [${`*l${index}, `.repeat(9)}]`,
  );
  expect(mistake(`l0: &l0 [x]\n${layers.join("\n")}\n`)).toMatch(
    /line 3: aliases like \*l1, which stand for more aliases, ask too much$/,
  );
});

test("serverChanges() names the settings that differ, and none of an equal file", () => {
  const serverOf = (text: string): ReturnType<typeof parseConfig>["server"] =>
    parseConfig(`server: { address: 10.0.0.1${text} }\n`, "/lab/huck.yaml", NODE_DRIVERS).server;
  const before = serverOf("");
  expect(serverChanges(before, serverOf(""))).toEqual([]);
  expect(serverChanges(before, serverOf(", httpPort: 5000, dhcp: { mode: off }"))).toEqual([
    "server.httpPort",
    "server.dhcp",
  ]);
});
