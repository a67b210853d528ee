/**
 * Goal: the verbs that look print names, states and images, and touch nothing. Method: the real
 * binary, a real server.
 */
import { expect, test } from "vitest";
import { JobCreated, NodeStatus } from "../../../../../shared/control/operator-api.ts";
import { operate } from "../../../../rig/lab-kit.ts";
import { ServerPerTest } from "../../../../rig/server-per-test.ts";
import { huck } from "./cli-kit.ts";

const lab = new ServerPerTest();
const socket = (): Record<string, string> => ({ HUCK_SOCKET: lab.server.socket });

test("nodes prints the names a range stands for, from words, $NODES or all", async () => {
  expect((await huck(["nodes", "1-3", "~2"], socket())).stdout).toBe("fit01\nfit03\n");
  expect((await huck(["nodes"], { ...socket(), NODES: "2" })).stdout).toBe("fit02\n");
  expect((await huck(["nodes"], socket())).stdout).toBe("fit01\nfit02\nfit03\n");
});

test("status prints a line or an object for each node", async () => {
  const { stdout, exitCode } = await huck(["status"], socket());
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^node +power +ping +state/);
  expect(stdout).toMatch(/^fit02 +unknown +not asked +waiting$/m);
  const json = (await huck(["status", "--json", "1"], socket())).stdout;
  expect(NodeStatus.parse(JSON.parse(json)).name).toBe("fit01");
});

test("every verb that looks prints objects with a kind, one per line", async () => {
  const body = { image: "ubuntu", nodes: ["fit01"] };
  const { job } = JobCreated.parse((await operate(lab.server, "POST", "/v1/loads", body)).body);
  const kinds = async (...words: string[]): Promise<unknown[]> => {
    const lines = (await huck([...words, "--json"], socket())).stdout.trimEnd().split("\n");
    return lines.map((line) => (JSON.parse(line) as { kind: unknown }).kind);
  };
  expect(await kinds("status")).toEqual(["status", "status", "status"]);
  expect(await kinds("status", "--boot")).toEqual(["boot"]);
  expect(await kinds("nodes", "1")).toEqual(["node"]);
  expect(await kinds("image", "list")).toEqual(["image"]);
  expect(await kinds("job", "list")).toEqual(["job"]);
  expect(await kinds("job", "show", job)).toEqual(["job_status"]);
  expect(await kinds("job", "show", "0".repeat(32))).toEqual(["error"]);
});

test("status --boot says when the boot services are off", async () => {
  const { stdout, exitCode } = await huck(["status", "--boot"], socket());
  expect([exitCode, stdout]).toEqual([
    0,
    "The boot services are off (server.dhcp in huck.yaml).\n",
  ]);
});

test("image list and image trash work on the server's store", async () => {
  expect((await huck(["image", "list"], socket())).stdout).toMatch(/^ubuntu +[0-9a-f]{12} /m);
  expect((await huck(["image", "trash", "ubuntu"], socket())).exitCode).toBe(0);
  expect((await huck(["image", "trash", "ubuntu"], socket())).exitCode).toBe(4);
  expect((await huck(["image", "list", "--json"], socket())).stdout).toBe("");
});

test("job show and job abort speak of one job", async () => {
  const answer = await operate(lab.server, "POST", "/v1/loads", {
    image: "ubuntu",
    nodes: ["fit01"],
  });
  const { job } = JobCreated.parse(answer.body);
  const short = job.slice(0, 8);
  expect((await huck(["job", "list"], socket())).stdout).toMatch(
    new RegExp(`^${short} +running +load +ubuntu +0 of 1 node ok `, "m"),
  );
  expect((await huck(["job", "show", short], socket())).stdout).toMatch(
    /running\nfit01 +waiting, must speak by \d\d:\d\d:\d\d\n$/,
  );
  expect((await huck(["job", "abort", job], socket())).exitCode).toBe(0);
  expect((await huck(["job", "show", job], socket())).stdout).toContain("NOT OK aborted");
  expect((await huck(["job", "show", "0".repeat(32)], socket())).exitCode).toBe(4);
});

test("huck prints help and version, and refuses words that are no verb", async () => {
  const help = await huck(["--help"]);
  expect(help.exitCode).toBe(0);
  for (const verb of ["serve", "image-load|load", "image-save|save", "cast", "catch", "status"]) {
    expect(help.stdout).toContain(`  ${verb} `);
  }
  expect((await huck(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect((await huck(["image-laod"])).exitCode).toBe(2);
  expect((await huck(["job"])).exitCode).toBe(2);
});
