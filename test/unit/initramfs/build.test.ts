/**
 * Goal: the command refuses what it cannot use, with message, cure and exit code.
 * Method: the real program in a process of its own; builds themselves are in boot-files.test.ts.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const program = join(import.meta.dirname, "../../../initramfs/build.ts");

function run(...args: string[]): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, [program, ...args], {
    encoding: "utf8",
    env: { ...process.env, UPDATE: "" },
  });
}

for (const level of ["0", "20", "5.5", "fast"]) {
  test(`build refuses --level ${level} as bad usage`, () => {
    const { status, stderr } = run("--level", level);
    expect([status, stderr]).toEqual([
      2,
      `Cannot use --level "${level}": not a number, 1 to 19 wanted\n` +
        "Use 5 for tests, 19 for a release.\n",
    ]);
  });
}

test("build refuses an unknown option", () => {
  const { status, stderr } = run("--colour");
  expect(status).toBe(2);
  expect(stderr).toContain("--colour");
});
