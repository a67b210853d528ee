/**
 * Goal: a good huck.yaml replaces the inventory in one step, a bad one changes nothing. Method: a
 * real server on loopback whose file is edited.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { NodeList, ReloadReply } from "../../../../shared/control/operator-api.ts";
import { configText, operate } from "../../../rig/lab-kit.ts";
import { ServerPerTest } from "../../../rig/server-per-test.ts";
import type { Answer } from "../../../rig/lab-kit.ts";

const lab = new ServerPerTest();

async function reload(edited: (config: string) => string, body?: object): Promise<Answer> {
  writeFileSync(path.join(lab.folder, "huck.yaml"), edited(configText(lab.port)));
  return await operate(lab.server, "POST", "/v1/server/reload", body);
}

async function names(): Promise<string[]> {
  const { nodes } = NodeList.parse((await operate(lab.server, "GET", "/v1/nodes?ping=1")).body);
  return nodes.map(({ name }) => name);
}

test("reload takes up nodes that came, went and changed, and names what waits", async () => {
  const answer = await reload((config) =>
    config
      .replace(/^.*fit02.*\n/m, "")
      .replace("fit03", "fit04")
      .replace("reimage: free, address: 127.0.0.1", "address: 127.0.0.9")
      .replace("httpPort: ", "bootSeconds: 99, httpPort: "),
  );
  expect(ReloadReply.parse(answer.body)).toEqual({
    nodes: 2,
    added: ["fit04"],
    removed: ["fit02", "fit03"],
    changed: ["fit01"],
    ended: [],
    kept: [],
    atNextStart: ["server.bootSeconds"],
  });
  expect(await names()).toEqual(["fit01", "fit04"]);
  const load = { image: "ubuntu", nodes: ["fit01"] };
  expect(await operate(lab.server, "POST", "/v1/loads", load)).toMatchObject({
    body: { code: "confirm_needed" },
  });
});

test.each([
  ["no YAML", (config: string) => `${config}  - [\n`, /line \d+: /],
  [
    "a MAC that stands twice",
    (config: string) => config.replace("00:00:02", "00:00:01"),
    /line 5: MAC 52:54:00:00:00:01 stands in two/,
  ],
  ["a word nobody knows", (config: string) => config.replace("reimage", "reimge"), /reimge/],
])("reload refuses a file with %s, and the old inventory stays", async (_what, edited, said) => {
  const answer = await reload(edited);
  expect(answer).toMatchObject({ status: 409, body: { code: "bad_config", exitCode: 2 } });
  expect((answer.body as { detail: string }).detail).toMatch(said);
  expect(await names()).toEqual(["fit01", "fit02", "fit03"]);
});

test("reload refuses a request of a newer program", async () => {
  const answer = await reload((config) => config, { dryRun: true });
  expect(answer).toMatchObject({ status: 400, body: { code: "server_older", exitCode: 4 } });
});
