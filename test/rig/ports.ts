/**
 * Ports for tests that must know a port before anything listens on it, as a huck.yaml does.
 *
 * No two test processes get the same port, however many runs go on at once: each process leases a
 * block of ports by listening on an abstract socket that is named for the block, and the kernel
 * ends the lease with the process. Use port 0 instead wherever it will do.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

/** Above the ports of services, and below 32768, from where the kernel chooses ports by default. */
const FIRST_PORT = 10_000;
const BLOCK_PORTS = 64;
const BLOCKS = 350;

const blockStart = FIRST_PORT + (await leaseBlock()) * BLOCK_PORTS;
let given = 0;

/**
 * Finds ports that no process listens on and that this process has not got from here lately.
 *
 * @param count - How many neighbours, at most 8.
 * @returns The first of them, free for TCP and UDP.
 */
export function freePort(count = 1): number {
  const taken = portsInUse();
  for (let tries = 0; tries < BLOCK_PORTS; tries += 1) {
    if (given + count > BLOCK_PORTS) given = 0;
    const first = blockStart + given;
    given += count;
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if (ports.every((port) => !taken.has(port))) return first;
  }
  throw new Error(`all ports from ${blockStart} to ${blockStart + BLOCK_PORTS - 1} are taken`);
}

async function leaseBlock(): Promise<number> {
  for (let block = 0; block < BLOCKS; block += 1) {
    const lease = createServer();
    lease.listen(`\0huck-test-ports-${block}`);
    try {
      await once(lease, "listening");
      lease.unref();
      return block;
    } catch {
      // Another test process has it.
    }
  }
  throw new Error("more test processes than blocks of ports");
}

/** Local ports of all sockets of this network namespace. */
function portsInUse(): ReadonlySet<number> {
  const lines = ["tcp", "tcp6", "udp", "udp6"].flatMap((name) => {
    return readFileSync(`/proc/net/${name}`, "utf8").split("\n").slice(1);
  });
  return new Set(
    lines.map((line) => parseInt(/^ *\d+: [0-9A-F]+:(\w+)/.exec(line)?.[1] ?? "", 16)),
  );
}
