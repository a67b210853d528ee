/**
 * Goal: commands, outputs and exit codes that users' scripts rely on do not change unnoticed.
 *
 * Method: each *.txt file here is run with the real `huck` (its form: test/rig/cli-script.ts) and
 * compared line by line. disk.img is a disk of 8 MiB with a GPT, ext4 and bytes without pattern.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readCliScript, runCliScript, writeCliSteps } from "../rig/cli-script.ts";
import { gptDisk } from "../rig/image-fixtures.ts";
import { freePort } from "../rig/ports.ts";

const names = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".txt"));
const files = new Map([["disk.img", gptDisk()]]);

test.each(names)("huck does what %s says", async (name) => {
  const script = readCliScript(readFileSync(join(import.meta.dirname, name), "utf8"));
  const found = await runCliScript(script, files, freePort());
  expect(writeCliSteps(found)).toBe(writeCliSteps(script.steps));
});

describe("runCliScript()", () => {
  const run = async (text: string): Promise<string> =>
    writeCliSteps(await runCliScript(readCliScript(text), new Map(), freePort()));

  test("accepts what placeholders and dots stand for", async () => {
    const output = "> id <hex> <number>\n> ...\n! $WORK/x\n";
    const text = `$ echo id 00ff 1.5; echo a; echo b; echo $WORK/x >&2\n${output}= 0\n`;
    expect(await run(text)).toBe(text);
  });

  test("shows another line, a missing one, one too many and another exit code", async () => {
    expect(await run("$ echo a; exit 3\n> b\n= 0\n")).toBe("$ echo a; exit 3\n> a\n= 3\n");
    expect(await run("$ true\n> ...\n> b\n= 0\n")).toBe("$ true\n> ...\n= 0\n");
    expect(await run("$ echo a\n= 0\n")).toBe("$ echo a\n> a\n= 0\n");
  });
});
