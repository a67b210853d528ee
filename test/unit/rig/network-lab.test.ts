/**
 * Goal: a lab is a network of its own, and nothing of it is left when it closes.
 * Method: a real lab with one host, when this runs as root; else only the reason is looked at.
 */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { Lab, SERVER_ADDRESS, labProblem } from "../../rig/network-lab.ts";

const problem = labProblem("ping");

test("labProblem() names the program that is missing", () => {
  if (process.getuid?.() !== 0) expect(problem).toBe("network namespaces need root");
  else expect(labProblem("no-such-program")).toContain("no-such-program");
});

test.skipIf(problem !== undefined)("Lab.close() removes every namespace it made", async () => {
  const lab = new Lab("unit");
  const host = lab.host("h1", "52:54:00:00:00:01", "10.77.0.9");
  const ping = ["ping", "-c", "1", "-W", "5", SERVER_ADDRESS];
  expect(lab.run(host, ping)).toMatchObject({ exitCode: 0 });
  const allow = lab.drop("10.77.0.9");
  expect(lab.run(host, ["ping", "-c", "1", "-W", "1", SERVER_ADDRESS]).exitCode).toBe(1);
  allow();
  expect(lab.run(host, ping)).toMatchObject({ exitCode: 0 });
  const child = lab.start(lab.namespace, ["sleep", "60"]);
  await lab.close();
  expect(child.signalCode).toBe("SIGKILL");
  const left = spawnSync("ip", ["netns", "list"], { encoding: "utf8" }).stdout;
  expect(left).not.toContain(lab.namespace);
  expect(left).not.toContain(host);
});
