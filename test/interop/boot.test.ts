/**
 * Goal: the boot services as one: files, scripts and tokens by HTTP, router advertisements, and
 * clear errors when they cannot start. Method: namespaces on a bridge; curl and the Linux kernel's
 * own IPv6 are the clients. Needs root.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { labProblem } from "../rig/network-lab.ts";
import { BootLabPerTest, labBootNetwork } from "../rig/boot-lab.ts";
import type { BootLab } from "../rig/boot-lab.ts";
import type { PlainSnapshot } from "../rig/boot-server.ts";

const problem = labProblem("curl");
if (problem !== undefined) console.warn(`SKIPPED test/interop/boot.test.ts: ${problem}`);

const labs = new BootLabPerTest();
const { folder } = labs;
const kernel = join(folder, "vmlinuz");
writeFileSync(kernel, "0123456789");
const mac = "52:54:00:77:00:01";
const base = "http://10.77.0.1:8067";
const script = `${base}/boot/nodes/52-54-00-77-00-01/script.ipxe`;
function snapshot(answer: "receiver" | "disk"): PlainSnapshot {
  return {
    network: labBootNetwork("proxy"),
    nodes: { [mac]: { name: "n1", answer, kernelArguments: ["console=ttyS0"] } },
    files: { vmlinuz: kernel, "initramfs.zst": kernel, gone: join(folder, "gone") },
    roles: { kernel: "vmlinuz", initramfs: ["initramfs.zst"] },
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
    const server = await net.serve(snapshot("receiver"));
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
  },
);

test.skipIf(problem !== undefined)(
  "each script holds a new token; idle nodes and strangers get none",
  async () => {
    const net = labs.open();
    const server = await net.serve(snapshot("receiver"));
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
    server.update(snapshot("disk"));
    await server.counters();
    const idle = curl(net, host, script);
    expect(idle).toContain("nothing to do for n1");
    expect(idle).not.toContain("huck.token");
    expect(server.lines.filter((line) => line.grant !== undefined)).toHaveLength(2);
  },
);

test.skipIf(problem !== undefined)("who comes from another subnet gets nothing", async () => {
  const net = labs.open();
  await net.serve(snapshot("receiver"));
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
    const server = await net.serve(snapshot("receiver"));
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
  const unpublished = { ...snapshot("disk"), files: {} };
  await expect(net.serve(unpublished)).rejects.toThrow('"vmlinuz" is not published');
  const network = { ...snapshot("disk").network, serverAddress: "10.79.0.1" };
  await expect(net.serve({ ...snapshot("disk"), network })).rejects.toThrow(
    /Cannot open the proxyDHCP port: 10\.79\.0\.1 .*EADDRNOTAVAIL.*give the lab interface/s,
  );
  await net.serve(snapshot("receiver"));
  await expect(net.serve(snapshot("receiver"))).rejects.toThrow(
    /Cannot open the DHCP port: "lab" port 67 .*EADDRINUSE.*stop the other server/s,
  );
});
