/**
 * Goal: a verb works with a server of the next version, and tells a server of the last one nothing
 * that it does not know. Method: the real binary against a scripted server that adds members and
 * events of its own, and keeps what it was asked.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { text } from "node:stream/consumers";
import path from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { frozen, misfit } from "../../../../rig/frozen-control.ts";
import { dropFolders, freshFolder } from "../../../../rig/lab-kit.ts";
import { huck } from "./cli-kit.ts";

afterAll(dropFolders);
let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A frozen message with members of a later version. */
function later(name: string): object {
  return { ...frozen(name).messages[0], later: { of: "a later version" } };
}

function events(): string {
  const good = frozen("event").messages.map((event, at) => {
    const verdict = event["kind"] === "verdict" ? { verdict: { ...OK, later: 1 } } : {};
    return { ...event, ...verdict, seq: at + 7, later: 1 };
  });
  const strange = { kind: "weather", seq: 8, at: "tomorrow", text: "rain" };
  return [strange, ...good].map((event) => `${JSON.stringify(event)}\n`).join("");
}
const OK = { ...(frozen("verdict-report").messages[0]?.["verdict"] as object) };

async function serverOfNextVersion(asked: unknown[], refuse: boolean): Promise<string> {
  const socket = path.join(freshFolder(), "huck.sock");
  server = createServer((request, response) => {
    void text(request).then((body) => {
      if (body !== "") asked.push(JSON.parse(body));
      const url = request.url ?? "";
      if (refuse && request.method === "POST") {
        const problem = { ...later("problem"), code: "server_older", status: 400, exitCode: 77 };
        response.writeHead(400).end(JSON.stringify(problem));
      } else if (url.endsWith("/events?after=6")) response.end(events());
      else {
        response.end(JSON.stringify(later(url === "/v1/nodes" ? "node-list" : "job-created")));
      }
    });
  }).listen(socket);
  await once(server, "listening");
  return socket;
}

test("image-load follows a server of the next version to its end", async () => {
  const asked: unknown[] = [];
  const socket = await serverOfNextVersion(asked, false);
  const plain = await huck(["image-load", "-i", "ubuntu", "1"], { HUCK_SOCKET: socket });
  expect(plain).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining("1 of 1 node ok") as string,
  });
  const every = ["--verify", "full", "--leave", "stay", "--no-delta", "-b", "500M", "--yes"];
  await huck(["image-load", "-i", "ubuntu", ...every, "1"], { HUCK_SOCKET: socket });
  expect(asked).toHaveLength(2);
  for (const body of asked) expect(misfit("load-request", body)).toBeUndefined();
});

test("image-save asks for nothing that the last version does not know", async () => {
  const asked: unknown[] = [];
  const socket = await serverOfNextVersion(asked, false);
  const every = ["--raw-if-dirty", "--level", "19", "--leave", "stay", "--yes", "-t", "60"];
  await huck(["image-save", "-o", "mine", ...every, "1"], { HUCK_SOCKET: socket });
  expect(asked).toHaveLength(1);
  expect(misfit("save-request", asked[0])).toBeUndefined();
});

test("a verb passes on code, cure and exit of a server that is older", async () => {
  const socket = await serverOfNextVersion([], true);
  const refused = await huck(["image-load", "-i", "ubuntu", "1"], { HUCK_SOCKET: socket });
  expect(refused).toMatchObject({
    exitCode: 6,
    stderr: expect.stringContaining("Wait.") as string,
  });
});
