/**
 * Goal: the boot services as one: files, scripts and tokens by HTTP, router advertisements, and
 * clear errors when they cannot start. Method: namespaces on a bridge; curl and the Linux kernel's
 * own IPv6 are the clients. Needs root.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { labProblem } from "../rig/network-lab.ts";
import { BootLabPerTest, labBootNetwork } from "../rig/boot-lab.ts";
import type { BootLab } from "../rig/boot-lab.ts";
import type { PlainTable } from "../rig/boot-server.ts";

const problem = labProblem("curl");
if (problem !== undefined) console.warn(`SKIPPED test/interop/boot.test.ts: ${problem}`);

const labs = new BootLabPerTest();
const { folder } = labs;
const kernel = join(folder, "vmlinuz");
writeFileSync(kernel, "0123456789");
const mac = "52:54:00:77:00:01";
const base = "http://10.77.0.1:8067";
const script = `${base}/boot/nodes/52-54-00-77-00-01/script.ipxe`;
function published(name: string): { name: string; path: string; sizeBytes: number } {
  return { name, path: kernel, sizeBytes: 10 };
}

function table(answer: "receiver" | "disk"): PlainTable {
  return {
    network: labBootNetwork("proxy"),
    nodes: { [mac]: { name: "n1", answer, kernelArguments: ["console=ttyS0"] } },
    assets: [
      { role: "kernel", architecture: "x64", ...published("vmlinuz") },
      { role: "archive", architecture: "x64", order: 0, ...published("initramfs.zst") },
      { role: "extra", ...published("torn"), sizeBytes: 11 },
      { role: "extra", ...published("gone"), path: join(folder, "gone") },
    ],
  };
}

function curl(net: BootLab, host: string, ...options: readonly string[]): string {
  const all = ["curl", "-sS", "-i", "--path-as-is", "--max-time", "10", ...options];
  return net.run(host, all).output;
}

test.skipIf(problem !== undefined)(
  "files are served whole, in part, and by their names only",
  async () => {
    const net = labs.open();
    const server = await net.serve(table("receiver"));
    const host = net.host("a", mac, "10.77.0.9");
    const whole = curl(net, host, `${base}/boot/files/vmlinuz`);
    expect(whole).toMatch(/^HTTP\/1\.1 200 .*Content-Length: 10\r\n.*\r\n\r\n0123456789$/s);
    const head = curl(net, host, "-I", `${base}/boot/files/vmlinuz`);
    expect(head).toMatch(/200 OK.*Content-Length: 10\r\n.*\r\n\r\n$/s);
    const part = curl(net, host, "-r", "2-4", `${base}/boot/files/vmlinuz`);
    expect(part).toMatch(/^HTTP\/1\.1 206 .*Content-Range: bytes 2-4\/10\r\n.*\r\n\r\n234$/s);
    expect(curl(net, host, "-r", "10-", `${base}/boot/files/vmlinuz`)).toMatch(/^HTTP\/1\.1 416 /);
    for (const path of [
      "/",
      "/boot/files/",
      "/boot/files/none",
      "/boot/files/../vmlinuz",
      "/etc/passwd",
    ]) {
      expect(curl(net, host, base + path)).toMatch(/^HTTP\/1\.1 404 /);
    }
    expect(curl(net, host, "-X", "PUT", `${base}/boot/files/vmlinuz`)).toMatch(/^HTTP\/1\.1 405 /);
    expect(curl(net, host, `${base}/boot/files/gone`)).toMatch(/^HTTP\/1\.1 500 /);
    await server.until((line) => line.problem?.message.includes("ENOENT") === true);
    expect(curl(net, host, `${base}/boot/files/torn`)).toMatch(/^HTTP\/1\.1 500 /);
    const torn = 'vmlinuz": 10 bytes found, 11 wanted';
    await server.until((line) => line.problem?.message.includes(torn) === true);
  },
);

test.skipIf(problem !== undefined)(
  "absolute targets, queries and ranges of another file are understood",
  async () => {
    const net = labs.open();
    await net.serve(table("receiver"));
    const host = net.host("a", mac, "10.77.0.9");
    const file = `${base}/boot/files/vmlinuz`;
    const absolute = curl(net, host, "--proxy", base, "http://boot.lan/boot/files/vmlinuz");
    expect(absolute).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\n0123456789$/s);
    expect(curl(net, host, "--proxy", base, script)).toContain("huck.token=");
    expect(curl(net, host, `${file}?arch=x86_64`)).toMatch(/\r\n\r\n0123456789$/);
    const tag = /ETag: (\S+)/i.exec(curl(net, host, "-I", file))?.[1] ?? "none";
    const part = (condition: string): string =>
      curl(net, host, "-r", "2-4", "-H", `If-Range: ${condition}`, file);
    expect(part(tag)).toMatch(/^HTTP\/1\.1 206 .*\r\n\r\n234$/s);
    for (const other of ['"other"', `W/${tag}`, "Sat, 28 Nov 2026 00:00:00 GMT"]) {
      expect(part(other)).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\n0123456789$/s);
    }
  },
);

test.skipIf(problem !== undefined)("blocks of TFTP fit an interface with a small MTU", async () => {
  const net = labs.open();
  await net.serve(table("receiver"));
  const host = net.host("a", mac, "10.77.0.9");
  net.ip("link set lab mtu 1400");
  const trace = net.run(host, [
    ...["curl", "-sS", "-v", "--max-time", "10", "--tftp-blksize", "1468"],
    "tftp://10.77.0.1/vmlinuz",
  ]).output;
  expect(trace).toContain("blksize parsed from OACK (1368) requested (1468)");
});

test.skipIf(problem !== undefined)(
  "an interface without a carrier can be served: labAddress() finds its address",
  () => {
    const net = labs.open();
    net.ip("link add dark type veth peer name unplugged"); // which stays down
    net.ip("addr add 10.78.0.1/23 dev dark");
    net.ip("addr add 10.78.4.1/16 dev dark");
    net.ip("link set dark up");
    expect(net.run(net.namespace, ["ip", "link", "show", "dark"]).output).toContain("NO-CARRIER");
    const module = fileURLToPath(new URL("../../server/enter/lab-boot.io.ts", import.meta.url));
    const code = `import { labAddress } from ${JSON.stringify(module)};
      console.log(JSON.stringify([labAddress("dark"), labAddress("10.78.4.1")]));`;
    const told = net.run(net.namespace, [
      ...[process.execPath, "--no-warnings", "--input-type=module", "--eval", code],
    ]);
    expect(JSON.parse(told.output)).toEqual([
      { interfaceName: "dark", address: "10.78.0.1", netmask: "255.255.254.0" },
      { interfaceName: "dark", address: "10.78.4.1", netmask: "255.255.0.0" },
    ]);
  },
);

test.skipIf(problem !== undefined)(
  "each script holds a new token; idle nodes and strangers get none",
  async () => {
    const net = labs.open();
    const server = await net.serve(table("receiver"));
    const host = net.host("a", mac, "10.77.0.9");
    const tokens = [1, 2].map(() => /huck\.token=(\S+)/.exec(curl(net, host, script))?.[1]);
    expect(new Set(tokens).size).toBe(2);
    await expect.poll(() => server.states("n1")).toEqual(["script_fetched"]);
    await server.counters();
    const grants = server.lines.flatMap((line) => (line.grant === undefined ? [] : [line.grant]));
    expect(grants.map(({ token }) => token)).toEqual(tokens);
    expect(grants[0]).toMatchObject({ node: "n1", mac, address: "10.77.0.9" });
    expect(curl(net, host, "-I", script)).toMatch(/^HTTP\/1\.1 405 /);
    const stranger = `${base}/boot/nodes/52-54-00-77-00-99/script.ipxe`;
    expect(curl(net, host, stranger)).toMatch(/^HTTP\/1\.1 404 /);
    curl(net, host, `${base}/boot/files/vmlinuz`);
    curl(net, host, `${base}/boot/files/initramfs.zst`);
    await server.until((line) => line.event?.state === "initramfs_fetched");
    expect(server.states("n1")).toEqual(["script_fetched", "kernel_fetched", "initramfs_fetched"]);
    server.update(table("disk"));
    await server.counters();
    const idle = curl(net, host, script);
    expect(idle).toContain("nothing to do for n1");
    expect(idle).not.toContain("huck.token");
    expect(server.lines.filter((line) => line.grant !== undefined)).toHaveLength(2);
  },
);

test.skipIf(problem !== undefined)(
  "TFTP and HTTP serve one tree, which knows who asks once the node was seen",
  async () => {
    const net = labs.open();
    const server = await net.serve(table("receiver"));
    const host = net.host("a", mac, "10.77.0.9");
    const byTftp = (path: string): string => {
      const url = `tftp://10.77.0.1/${path}`;
      return net.run(host, ["curl", "-sS", "--max-time", "10", url]).output;
    };
    for (const path of ["vmlinuz", "boot/files/vmlinuz"]) {
      expect(byTftp(path)).toBe("0123456789");
      expect(curl(net, host, `${base}/${path}`)).toMatch(/\r\n\r\n0123456789$/);
    }
    expect(byTftp("script.ipxe")).not.toContain("#!ipxe");
    expect(curl(net, host, `${base}/script.ipxe`)).toMatch(/^HTTP\/1\.1 404 /);
    expect(byTftp("boot/nodes/52-54-00-77-00-01/script.ipxe")).toMatch(/^#!ipxe\n/);
    expect(byTftp("script.ipxe")).toContain("BOOTIF=01-52-54-00-77-00-01");
    expect(curl(net, host, `${base}/script.ipxe`)).toContain("BOOTIF=01-52-54-00-77-00-01");
    const stranger = net.host("b", "52:54:00:77:00:99", "10.77.0.10");
    expect(curl(net, stranger, `${base}/script.ipxe`)).toMatch(/^HTTP\/1\.1 404 /);
    await server.counters();
    const tokens = server.lines.flatMap((line) => line.grant?.token ?? []);
    expect(new Set(tokens).size).toBe(3);
  },
);

test.skipIf(problem !== undefined)("who comes from another subnet gets nothing", async () => {
  const net = labs.open();
  await net.serve(table("receiver"));
  const host = net.host("a", mac, "10.78.0.9");
  net.ip("addr add 10.78.0.1/24 dev lab");
  net.run(host, ["ip", "route", "add", "default", "via", "10.78.0.1"]);
  expect(curl(net, host, script)).toMatch(/^HTTP\/1\.1 404 /);
  expect(curl(net, host, `${base}/boot/files/vmlinuz`)).toMatch(/^HTTP\/1\.1 404 /);
});

test.skipIf(problem !== undefined)(
  "a node is told the prefix of the link, a stranger is not",
  async () => {
    const net = labs.open();
    const server = await net.serve(table("receiver"));
    const host = net.host("a", mac, "10.77.0.9");
    const stranger = net.host("b", "52:54:00:99:00:01", "10.77.0.10");
    const addresses = (of: string): string =>
      net.run(of, ["ip", "-6", "addr", "show", "dev", "eth0"]).output;
    await expect.poll(() => addresses(host), { timeout: 20_000 }).toContain("fd77::5054:ff:fe77:1");
    await expect
      .poll(async () => (await server.counters())["advertiser"]?.["ignored"], { timeout: 20_000 })
      .toBeGreaterThan(0);
    expect(addresses(stranger)).not.toContain("fd77:");
    expect(net.run(host, ["ip", "-6", "route"]).output).not.toContain("default");
  },
);

test.skipIf(problem !== undefined)("startBoot() says what to do when it cannot start", async () => {
  const net = labs.open();
  const network = { ...table("disk").network, serverAddress: "10.79.0.1" };
  await expect(net.serve({ ...table("disk"), network })).rejects.toThrow(
    /Cannot open the proxyDHCP port at 10\.79\.0\.1 .*EADDRNOTAVAIL/,
  );
  await net.serve(table("receiver"));
  await expect(net.serve(table("receiver"))).rejects.toThrow(
    /Cannot open the DHCP port at "lab" port 67: another program has the address .EADDRINUSE/,
  );
});
