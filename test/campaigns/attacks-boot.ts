/**
 * A load of four nodes under each attack on the boot services and the node API, and beside it a
 * node that boots: rates, verdicts and the server's memory.
 *
 * A namespace per node and for the attacker; the real server, the real receivers over files. A load
 * must not lose more than a tenth of its rate, and every verdict must be ok. It needs root.
 *
 *     node test/campaigns/attacks-boot.ts [attack...]
 */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "../../shared/core/random.ts";
import { Lab, labProblem } from "../rig/network-lab.ts";
import { FileNode } from "../rig/file-node.ts";
import { LabServer } from "../rig/huck-server.ts";

const ALL = ["dhcp-flood", "decline", "join-flood", "connections", "bodies", "tftp"];
const IMAGE_BYTES = 96 << 20;
const RATE_MBIT = 100;
const problem = labProblem("curl");
if (problem !== undefined) throw new Error(problem);

const folder = mkdtempSync(path.join(tmpdir(), "huck-attacks-"));
const lab = new Lab("attack");

function bootFiles(): string {
  const files = [
    { role: "kernel", architecture: "x64", name: "vmlinuz" },
    { role: "archive", architecture: "x64", order: 0, name: "initramfs.zst" },
    { role: "loader", architecture: "bios", name: "undionly.kpxe" },
  ].map((file) => {
    const content = Buffer.alloc(70_000, file.name);
    writeFileSync(path.join(folder, file.name), content);
    const sha256 = createHash("sha256").update(content).digest("hex");
    return { ...file, sizeBytes: content.byteLength, sha256 };
  });
  const manifest = JSON.stringify({ format: 2, version: "0.1.0", files });
  writeFileSync(path.join(folder, "manifest.json"), manifest);
  return folder;
}

/** One load; gives its seconds from the first datagrams to the last verdict. */
async function load(server: LabServer, nodes: readonly FileNode[]): Promise<[number, boolean]> {
  const verb = server.begin("image-load", "-i", "random", "-a");
  await verb.until((line) => line.kind === "begin");
  const visits = await Promise.all(
    nodes.map(async (node) => {
      const disk = path.join(folder, `${node.name}.disk`);
      rmSync(disk, { force: true });
      writeFileSync(disk, "");
      truncateSync(disk, IMAGE_BYTES);
      return await node.visit(server, [disk]);
    }),
  );
  await verb.until((line) => line.phase === "receiving");
  const from = performance.now();
  const { exitCode } = await verb.ended;
  const seconds = (performance.now() - from) / 1000;
  await Promise.all(visits.map(({ ended }) => ended));
  return [seconds, exitCode === 0];
}

/** What a node that boots needs: the loader by TFTP and a file by HTTP, in seconds. */
function boots(host: string): string {
  const from = performance.now();
  const curl = ["curl", "-sS", "-o", "/dev/null", "--max-time", "10"];
  const files = ["tftp://10.77.0.1/undionly.kpxe", "http://10.77.0.1:4081/boot/files/vmlinuz"];
  const failed = files.filter((url) => lab.run(host, [...curl, url]).exitCode !== 0);
  const seconds = ((performance.now() - from) / 1000).toFixed(2);
  return failed.length === 0 ? `boots in ${seconds} s` : `CANNOT FETCH ${failed.join(", ")}`;
}

function serverMegabytes(pid: number): number {
  const rss = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  return Math.round(Number(rss ?? 0) / 1000);
}

let isWrong = false;
try {
  const random = seededRandom(1);
  const source = Buffer.alloc(IMAGE_BYTES);
  for (let at = 0; at < IMAGE_BYTES; at += 4) source.writeUInt32LE(random.below(2 ** 31), at);
  writeFileSync(path.join(folder, "source"), source);
  const nodes = [10, 11, 12, 13].map((number) => new FileNode(lab, `n${number}`, number));
  const server = new LabServer(lab, path.join(folder, "server"), {
    nodes: nodes.map(({ settings }) => settings),
    server: { bootFiles: bootFiles(), rateMbit: RATE_MBIT },
  });
  await server.importImage(path.join(folder, "source"), "random");
  await server.start();
  const attacker = lab.host("attacker", "02:00:00:00:66:66", "10.77.0.66");
  const booter = lab.host("booter", "02:00:00:00:77:77", "10.77.0.77");
  const pids = lab.run(lab.namespace, ["ip", "netns", "pids", lab.namespace]).output;
  const pid = Number(pids.trim().split("\n")[0]);
  await load(server, nodes); // the first one warms everything up
  const [alone, fine] = await load(server, nodes);
  console.log(
    `alone: ${alone.toFixed(2)} s, ok ${fine}, ${boots(booter)}, ${serverMegabytes(pid)} MB`,
  );
  const wanted = process.argv.slice(2);
  for (const attack of wanted.length > 0 ? wanted : ALL) {
    const program = path.join(import.meta.dirname, "boot-attacker.ts");
    const attacking = lab.start(attacker, [process.execPath, "--no-warnings", program, attack], {
      stdio: "ignore",
    });
    await sleep(2000);
    const [seconds, isOk] = await load(server, nodes);
    const boot = boots(booter);
    attacking.kill("SIGKILL");
    const lost = Math.round((1 - alone / seconds) * 100);
    const megabytes = serverMegabytes(pid);
    console.log(
      `${attack}: ${seconds.toFixed(2)} s, ${lost} % lost, ok ${isOk}, ${boot}, ${megabytes} MB`,
    );
    if (!isOk || lost > 10 || boot.startsWith("CANNOT") || megabytes > 512) isWrong = true;
  }
  await server.stop();
} finally {
  await lab.close();
  rmSync(folder, { recursive: true });
}
process.exitCode = isWrong ? 1 : 0;
