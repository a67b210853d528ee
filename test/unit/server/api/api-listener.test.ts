/**
 * Goal: only those listen, and only to those, who are named.
 * Method: a real server on loopback with a real store, journal and sender; TestNode says what a
 * receiver says.
 */
import { execFile } from "node:child_process";
import { chmodSync, statSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { TestNode, serveIn } from "../../../rig/lab-kit.ts";
import { ServerPerTest } from "../../../rig/server-per-test.ts";

const lab = new ServerPerTest();

test("no route answers with a file, and unknown routes are problems", async () => {
  const node = await TestNode.boot(lab.server, "fit01");
  for (const route of ["/etc/passwd", "/images/ubuntu.huck", "/node/v1/chunk/%2e%2e%2fhuck.yaml"]) {
    const { status, bytes } = await node.get(route);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(JSON.parse(bytes.toString())).toHaveProperty("code");
  }
});

test(
  "the operator socket is closed to others by its mode, and a second " +
    "server refuses to take it",
  async () => {
    expect(statSync(lab.server.socket).mode & 0o777).toBe(0o660);
    const other = serveIn(lab.folder, lab.port + 1, ", state: other");
    await expect(other).rejects.toMatchObject({ code: "server_runs" });
  },
);

test.runIf(process.getuid?.() === 0)(
  "listenForOperators() obeys the uids that are named and refuses every other one",
  async () => {
    await lab.close();
    await lab.start(", uids: [65533]");
    chmodSync(lab.folder, 0o755);
    const print = ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"];
    const ask = [...print, "--unix-socket", lab.server.socket, "http://huck/v1/server"];
    const asUser = async (uid: number): Promise<string> => {
      const child = promisify(execFile)("curl", ask, { uid, gid: uid, cwd: "/" });
      return (await child).stdout;
    };
    expect(await asUser(65_533)).toBe("200");
    expect(await asUser(65_534)).toBe("403");
  },
);
