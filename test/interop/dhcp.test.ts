/**
 * Goal: real DHCP clients and servers get on with ours, on a real link. Method: namespaces on a
 * bridge. Full mode serves udhcpc and the npm package "dhcp"; proxy mode stands beside dnsmasq as
 * the site's server; captured messages of firmware are sent from a host. Needs root.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readMessage } from "../../server/boot/dhcp/message.ts";
import type { DhcpMessage } from "../../server/boot/dhcp/message.ts";
import { optionText } from "../../server/boot/dhcp/options.ts";
import { labProblem } from "../rig/network-lab.ts";
import { BootLabPerTest, labBootNetwork, startSiteDhcp } from "../rig/boot-lab.ts";
import type { BootLab } from "../rig/boot-lab.ts";
import type { PlainSnapshot } from "../rig/boot-server.ts";

const problem = labProblem("busybox", "dnsmasq");
if (problem !== undefined) console.warn(`SKIPPED test/interop/dhcp.test.ts: ${problem}`);

const node1 = "52:54:00:77:00:00";
const labs = new BootLabPerTest();
const { folder } = labs;
const script = join(folder, "bound.sh");
writeFileSync(
  script,
  '#!/bin/sh\n[ "$1" = bound ] && echo "ip=$ip router=$router dns=$dns lease=$lease"\nexit 0\n',
  { mode: 0o755 },
);
function snapshot(mode: "proxy" | "full", nodes: PlainSnapshot["nodes"]): PlainSnapshot {
  return {
    network: {
      ...labBootNetwork(mode),
      router: "10.77.0.254",
      dns: ["10.77.0.253"],
    },
    nodes,
    files: { vmlinuz: "/boot/vmlinuz", initramfs: "/boot/initramfs", "snponly.efi": "/boot/s" },
    roles: { kernel: "vmlinuz", initramfs: ["initramfs"], loaderEfiX64: "snponly.efi" },
  };
}

/** Runs udhcpc once; what it was given, or "no lease". */
function udhcpc(net: BootLab, host: string, ...options: readonly string[]): string {
  const once = ["-f", "-q", "-n", "-t", "3", "-T", "1", "-i", "eth0", "-s", script];
  const { output } = net.run(host, ["busybox", "udhcpc", ...once, ...options]);
  return /ip=.*/.exec(output)?.[0] ?? /no lease/.exec(output)?.[0] ?? output;
}

function vector(name: string): string {
  const url = new URL(`../vectors/dhcp/${name}.txt`, import.meta.url);
  const lines = readFileSync(url, "utf8").split("\n");
  return lines.filter((line) => !line.startsWith("#")).join("");
}

/** Sets the broadcast flag: dnsmasq would answer an address that the host does not have yet. */
function asBroadcast(hex: string): string {
  return `${hex.slice(0, 20)}8000${hex.slice(24)}`;
}

/** Sends a captured message from a host and gives the answers. */
function ask(net: BootLab, host: string, ...settings: readonly string[]): DhcpMessage[] {
  const program = new URL("dhcp-ask.ts", import.meta.url).pathname;
  const command = [process.execPath, "--no-warnings", program, ...settings];
  const lines = net.run(host, command).output.split("\n");
  return lines.filter((line) => line !== "").map((line) => readMessage(Buffer.from(line, "hex")));
}

test.skipIf(problem !== undefined)(
  "udhcpc gets its lease, keeps it, and a stranger none",
  async () => {
    const net = labs.open();
    const server = await net.serve(
      snapshot("full", {
        [node1]: { name: "n1", answer: "disk" },
        "52:54:00:77:00:05": { name: "n5", answer: "disk", address: "10.77.0.55" },
      }),
    );
    const pooled = net.host("a", node1);
    const first = udhcpc(net, pooled);
    expect(first).toMatch(
      /^ip=10\.77\.0\.1\d\d router=10\.77\.0\.254 dns=10\.77\.0\.253 lease=7200$/,
    );
    expect(udhcpc(net, pooled)).toBe(first);
    const wish = /ip=(\S+)/.exec(first)?.[1] ?? "";
    expect(udhcpc(net, pooled, "-r", wish)).toBe(first);
    expect(udhcpc(net, net.host("b", "52:54:00:77:00:05"))).toMatch(/^ip=10\.77\.0\.55 /);
    expect(udhcpc(net, net.host("c", "52:54:00:99:00:05"))).toBe("no lease");
    const counters = await server.counters();
    expect(counters["dhcp"]).toMatchObject({ unknown_node: 3 });
    expect(server.states("n1")).toContain("address_given");
  },
);

test.skipIf(problem !== undefined)("the npm package dhcp as client reads our OFFER", async () => {
  const net = labs.open();
  await net.serve(snapshot("full", { [node1]: { name: "n1", answer: "disk" } }));
  const host = net.host("a", node1);
  net.run(host, ["ip", "route", "add", "default", "dev", "eth0"]);
  const program = `
    const client = require(process.argv[1]).createClient({ mac: "${node1}" });
    // its REQUEST names neither server nor address, so this is as far as it gets with any server
    client.on("message", (offer) => {
      console.log(offer.yiaddr, offer.options[54], offer.options[1], offer.options[51]);
      process.exit();
    });
    client.on("error", (error) => console.error(error));
    client.on("listening", () => client.sendDiscover());
    client.listen();
    setTimeout(() => process.exit(1), 5000);
  `;
  const path = createRequire(import.meta.url).resolve("dhcp");
  const { output } = net.run(host, [process.execPath, "--no-warnings", "--eval", program, path]);
  expect(output).toMatch(/^10\.77\.0\.1\d\d 10\.77\.0\.1 255\.255\.255\.0 7200$/m);
});

test.skipIf(problem !== undefined)("beside dnsmasq, ours answers firmware only", async () => {
  const net = labs.open();
  startSiteDhcp(net, folder);
  const server = await net.serve(
    snapshot("proxy", { [node1]: { name: "n1", answer: "receiver" } }),
  );
  const host = net.host("a", node1);
  await expect.poll(() => udhcpc(net, host), { timeout: 30_000 }).toMatch(/^ip=10\.77\.0\.5/);
  expect((await server.counters())["dhcp"]).not.toHaveProperty("answered");
  const answers = ask(net, host, asBroadcast(vector("ipxe-rom-discover")));
  const scripts = answers.map((one) => one.bootFile).filter((file) => file !== "");
  expect(scripts).toEqual(["http://10.77.0.1:8067/boot/nodes/52-54-00-77-00-00/script.ipxe"]);
  expect(answers.map((one) => one.yourAddress).sort()).toEqual([
    "0.0.0.0",
    expect.stringMatching(/^10\.77\.0\.5/) as string,
  ]);
});

test.skipIf(problem !== undefined)(
  "captured firmware is answered on ports 67 and 4011",
  async () => {
    const net = labs.open();
    const mac = "52:54:00:77:00:02";
    const idle = snapshot("proxy", { [mac]: { name: "n2", answer: "disk" } });
    const server = await net.serve(
      snapshot("proxy", { [mac]: { name: "n2", answer: "receiver" } }),
    );
    const host = net.host("a", mac, "10.77.0.81");
    const [offer] = ask(net, host, vector("ovmf-http-discover"));
    expect(optionText(offer?.options ?? new Map(), 67)).toMatch(/snponly\.efi$/);
    const bootServer = [vector("ovmf-boot-server-request"), "4011", "4011", "10.77.0.1"];
    const [ack] = ask(net, host, ...bootServer);
    expect(ack?.bootFile).toBe("snponly.efi");
    server.update(idle);
    await server.counters(); // behind the update in the same input
    const bios = (hex: string): string => hex.replace("5d020007", "5d020000");
    expect(ask(net, host, bios(bootServer[0] ?? ""), ...bootServer.slice(1))).toEqual([]);
    await expect.poll(() => server.states("n2")).toEqual(["asked", "file_named", "sent_to_disk"]);
  },
);
