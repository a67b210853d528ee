/**
 * Tools of the server's tests: a real server on loopback in a folder of its own, a real small
 * image, and a node.
 *
 * The node speaks the real API as shared/control has it: it says over HTTP what a receiver says,
 * and parses every answer by its schema. It has no disk; what receivers do with disks is tested
 * elsewhere.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import type { DiskDescription } from "../../shared/control/disk-rule.ts";
import { Event } from "../../shared/control/event.ts";
import {
  ArmReply,
  JoinReply,
  NodeRoute,
  SessionTerms,
  StatusReply,
} from "../../shared/control/node-api.ts";
import { Order } from "../../shared/control/order.ts";
import { NodeToken } from "../../shared/control/operator-api.ts";
import type { Phase, Verdict, VerdictCode } from "../../shared/control/verdict.ts";
import { readConfigInThread } from "../../server/cli/local/read-config-thread.io.ts";
import { configOf } from "../../server/config.ts";
import { parseConfig } from "./parse-config.ts";
import type { Config } from "../../server/config.ts";
import { NODE_DRIVERS } from "../../server/node-drivers.io.ts";
import { startServer } from "../../server/main.io.ts";
import type { RunningServer } from "../../server/main.io.ts";
import { Arrivals } from "./arrivals.ts";
import { nextId } from "./seeded-bytes.ts";

/** The order in an answer; its signature is not checked. */
export function orderIn({ order }: JoinReply): Order | undefined {
  return order === null ? undefined : Order.parse(JSON.parse(order.order));
}

/** An answer as it came. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A disk that a node reports. */
export const DISK: DiskDescription = {
  path: "/dev/sda",
  sizeBytes: 4 << 20,
  sectorBytes: 512,
  serial: "S1",
  wwn: "",
  model: "TEST",
  bus: "ata",
  rotational: false,
  removable: false,
  inUse: [],
};

/** Three nodes: two are `reimage: free`, one is `confirm`. */
const NODES = `
nodes:
  - { name: fit01, macs: ["52:54:00:00:00:01"], reimage: free, address: 127.0.0.1 }
  - { name: fit02, macs: ["52:54:00:00:00:02"], reimage: free }
  - { name: fit03, macs: ["52:54:00:00:00:03"] }
`;

/** Makes a folder, which `dropFolders` removes. */
export function freshFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "huck-server-"));
  folders.push(folder);
  return folder;
}
const folders: string[] = [];

/** Removes all folders of `freshFolder`. */
export function dropFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Text of a huck.yaml for loopback without boot services. */
export function configText(port: number, more = ""): string {
  const ports = `httpPort: ${port}, dataPort: ${port}, dhcp: { mode: off }`;
  const server = `{ address: 127.0.0.1, ${ports}, socket: huck.sock${more} }`;
  return `server: ${server}\n${NODES}`;
}

/** A line of a server's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** Starts a server in a folder. If one ran there before, this one continues its journal. */
export async function serveIn(
  folder: string,
  port: number,
  more = "",
  logged = new Arrivals<LogLine>(),
): Promise<RunningServer> {
  const config = parseConfig(configText(port, more), path.join(folder, "huck.yaml"), NODE_DRIVERS);
  const write = (line: string): void => {
    logged.add(JSON.parse(line) as LogLine);
  };
  const log = pino({}, { write });
  const reread = async (): Promise<Config> =>
    configOf(await readConfigInThread(path.join(folder, "huck.yaml")));
  return await startServer({ config, reread, version: "0.0.0", log });
}

/** Speaks to the operator API. */
export async function operate(
  server: RunningServer,
  method: string,
  route: string,
  body?: object,
): Promise<Answer> {
  return await ask({ socketPath: server.socket, method, path: route }, body);
}

/** Reads a job's events until the stream ends. */
export async function eventsOf(server: RunningServer, job: string, after = 0): Promise<Event[]> {
  const route = `/v1/jobs/${job}/events?after=${after}`;
  const answer = await new Promise<string>((resolve, reject) => {
    const asking = request({ socketPath: server.socket, path: route, agent: false });
    asking.once("response", (message) => {
      text(message).then(resolve, reject);
    });
    asking.once("error", reject);
    asking.end();
  });
  const lines = answer.split("\n").filter((line) => line !== "");
  return lines.map((line) => Event.parse(JSON.parse(line)));
}

/** A booted node: it has a token. */
export class TestNode {
  readonly name: string;
  readonly mac: string;
  readonly token: string;
  nonce = nextId().toString("hex");
  readonly #url: string;

  constructor(granted: NodeToken) {
    this.name = granted.node;
    this.mac = granted.mac;
    this.token = granted.token;
    this.#url = granted.serverUrl;
  }

  static async boot(server: RunningServer, name: string): Promise<TestNode> {
    const answer = await operate(server, "POST", "/v1/tokens", { node: name });
    return new TestNode(NodeToken.parse(answer.body));
  }

  /** POSTs anything, with the token. */
  async say(route: string, body: object, token = this.token): Promise<Answer> {
    const url = new URL(route, this.#url);
    const headers = { authorization: `Bearer ${token}` };
    return await ask(
      { host: url.hostname, port: url.port, path: route, method: "POST", headers },
      body,
    );
  }

  async get(route: string): Promise<{ status: number; bytes: Buffer }> {
    const headers = { authorization: `Bearer ${this.token}` };
    const answer = await fetch(new URL(route, this.#url), { headers });
    return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
  }

  /** Begins an upload and leaves it open; gives the status that it was refused with. */
  async beginUpload(bytes: Uint8Array): Promise<number | "torn"> {
    const headers = {
      authorization: `Bearer ${this.token}`,
      "content-type": "application/octet-stream",
    };
    return await new Promise((resolve) => {
      const url = new URL(NodeRoute.capture, this.#url);
      const asking = request(url, { method: "PUT", headers, agent: false });
      asking.once("response", (message) => {
        resolve(message.statusCode ?? 0);
        asking.destroy();
      });
      asking.once("error", () => {
        resolve("torn");
      });
      asking.write(bytes);
    });
  }

  /** Uploads an image; with `tornAt` the connection breaks after that many bytes. */
  async upload(bytes: Buffer, tornAt?: number): Promise<Answer | "torn"> {
    const url = new URL(NodeRoute.capture, this.#url);
    const headers = {
      authorization: `Bearer ${this.token}`,
      "content-type": "application/octet-stream",
    };
    return await new Promise((resolve, reject) => {
      const asking = request(url, { method: "PUT", headers, agent: false });
      asking.once("response", (message) => {
        text(message).then((body) => {
          resolve({ status: message.statusCode ?? 0, body: JSON.parse(body) as unknown });
        }, reject);
      });
      asking.once("error", () => {
        resolve("torn");
      });
      if (tornAt === undefined) {
        asking.end(bytes);
        return;
      }
      asking.write(bytes.subarray(0, tornAt), () => {
        asking.destroy();
      });
    });
  }

  async join(): Promise<JoinReply> {
    return JoinReply.parse((await this.say(NodeRoute.join, this.joinBody())).body);
  }

  joinBody(): object {
    return {
      token: this.token,
      nonce: this.nonce,
      macs: [this.mac],
      interfaces: [],
      disks: [DISK],
      memoryBytes: 1 << 30,
      version: "0.0.0",
      features: [],
    };
  }

  async session(order: string): Promise<SessionTerms> {
    return SessionTerms.parse(await this.#untilReady(NodeRoute.session, { order }));
  }

  async arm(order: string): Promise<ArmReply> {
    return ArmReply.parse(await this.#untilReady(NodeRoute.arm, { order, disk: DISK }));
  }

  /**
   * Asks again as long as the server proves the image, as a receiver does: the server does not tell
   * nodes when it has done so.
   */
  async #untilReady(route: string, body: object): Promise<unknown> {
    const until = performance.now() + PROVEN_WITHIN_MS;
    for (;;) {
      const answer = await this.say(route, body);
      if (answer.status !== 429) return answer.body;
      if (performance.now() > until) {
        throw new Error(
          `${route}: not ready in ${PROVEN_WITHIN_MS} ms: ${JSON.stringify(answer.body)}`,
        );
      }
      await sleep(ASK_AGAIN_MS);
    }
  }

  async report(order: string, phase: Phase, doneBytes = 0): Promise<StatusReply> {
    const body = {
      order,
      phase,
      detail: "",
      doneBytes,
      totalBytes: 100,
      bytesPerSecond: 10,
      loss: 0.01,
    };
    return StatusReply.parse((await this.say(NodeRoute.status, body)).body);
  }

  async end(order: string, code: VerdictCode): Promise<StatusReply> {
    const verdict = verdictOf(code);
    return StatusReply.parse((await this.say(NodeRoute.verdict, { order, verdict })).body);
  }
}

/** A verdict as a node would give it. */
export function verdictOf(code: VerdictCode): Verdict {
  const ok = code === "ok" || code === "ok_unchanged";
  return {
    code,
    phase: "opening",
    reason: ok ? "" : "the reason",
    cure: ok ? "" : "The cure.",
    diskUntouched: code !== "ok",
    incomplete: false,
    bytesWritten: code === "ok" ? 100 : 0,
    at: new Date(0).toISOString(),
  };
}

/** Less than the time limit of a unit test, so that the message says what was waited for. */
const PROVEN_WITHIN_MS = 15_000;
/** A receiver waits a second; an image of these tests is proven in some milliseconds. */
const ASK_AGAIN_MS = 10;

async function ask(options: object, body?: object): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const { headers = {} } = options as { headers?: object };
    const type = sent === undefined ? {} : { "content-type": "application/json" };
    const asking = request({ ...options, agent: false, headers: { ...headers, ...type } });
    asking.once("response", (message) => {
      text(message).then((answer) => {
        resolve({
          status: message.statusCode ?? 0,
          body: answer === "" ? undefined : (JSON.parse(answer) as unknown),
        });
      }, reject);
    });
    asking.once("error", reject);
    asking.end(sent);
  });
}
