/**
 * Goal: keep the reason for our own DHCP codec true (docs/adr/0002): npm `dhcp` 0.2.20 as a server
 * ends its process on the DISCOVER of real boot firmware, and is fine without one.
 * Method: the package runs in a process of its own on a loopback port; captured DISCOVERs are sent
 * to it as they were. The same message without its list of requested options is the control.
 */
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";

const vectors = join(import.meta.dirname, "../vectors/dhcp");
/** DHCP option 55, the list of options that the firmware asks for (RFC 2132 section 9.8). */
const PARAMETER_REQUEST_LIST = 55;
/** First option byte: 236 bytes of fixed fields and the magic cookie (RFC 2131 section 3). */
const OPTIONS_OFFSET = 240;

/** Prints the port it listens on, and a line for each message that was handled to the end. */
const program = `
  const server = require(process.argv[1]).createServer({
    range: ["127.0.0.10", "127.0.0.20"], netmask: "255.0.0.0", router: ["127.0.0.1"],
    dns: ["127.0.0.1"], server: "127.0.0.1", broadcast: "127.0.0.1", hostname: "a",
    leaseTime: 60, randomIP: false, static: {},
  });
  server.on("error", (error) => console.error("error: " + error));
  server.on("message", () => setImmediate(() => console.log("handled")));
  server.on("listening", (socket) => console.log("port " + socket.address().port));
  server._sock.bind(0, "127.0.0.1");
`;

function readVector(name: string): Uint8Array {
  const lines = readFileSync(join(vectors, `${name}.txt`), "utf8").split("\n");
  return Buffer.from(lines.filter((line) => !line.startsWith("#")).join(""), "hex");
}

/** Cuts the list of requested options out. */
function withoutRequestList(message: Uint8Array): Uint8Array {
  let at = OPTIONS_OFFSET;
  while (at + 1 < message.length && message[at] !== PARAMETER_REQUEST_LIST) {
    at += 2 + (message[at + 1] ?? 0);
  }
  return Buffer.concat([
    message.subarray(0, at),
    message.subarray(at + 2 + (message[at + 1] ?? 0)),
  ]);
}

interface Outcome {
  /** Exit code, or "handled" when the package was still there and had handled the message. */
  readonly end: number | null | "handled";
  readonly errors: string;
}

async function replay(message: Uint8Array): Promise<Outcome> {
  const packagePath = createRequire(import.meta.url).resolve("dhcp");
  const child = spawn(process.execPath, ["--eval", program, packagePath]);
  const lines = createInterface({ input: child.stdout });
  const socket = createSocket("udp4");
  let errors = "";
  child.stderr.on("data", (part: Buffer) => (errors += part.toString()));
  const exited = once(child, "close").then(([code]) => ({
    end: code as number | null,
    errors,
  }));
  try {
    const [first] = (await once(lines, "line")) as [string];
    const handled = once(lines, "line").then(() => ({ end: "handled" as const, errors }));
    socket.send(message, Number(first.replace("port ", "")), "127.0.0.1");
    return await Promise.race([exited, handled]);
  } finally {
    socket.close();
    child.kill();
    await exited;
  }
}

test.each(["ipxe-rom-discover", "ovmf-pxe-discover"])(
  "npm dhcp 0.2.20 ends its process on %s",
  async (name) => {
    const { end, errors } = await replay(readVector(name));
    expect(end).toBe(1);
    expect(errors).toContain("Invalid option undefined");
  },
);

test("npm dhcp 0.2.20 handles the same message when nothing is requested by name", async () => {
  const { end, errors } = await replay(withoutRequestList(readVector("ipxe-rom-discover")));
  expect(end).toBe("handled");
  for (const dropped of [93, 94, 97]) expect(errors).toContain(`Option ${dropped} not known`);
});
