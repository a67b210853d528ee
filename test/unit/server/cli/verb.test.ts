/**
 * Goal: every word that a person may type first leads to a verb, to help, or to a good guess; and
 * every verb of huck describes itself.
 *
 * Method: a small list of verbs, and the real one.
 */
import { describe, expect, test } from "vitest";
import { findCommand } from "../../../../server/cli/verb.ts";
import type { PlainVerb, Verb } from "../../../../server/cli/verb.ts";
import { VERBS } from "../../../../server/cli/verbs.io.ts";

const load: PlainVerb["load"] = () => Promise.resolve((command) => command);
const SOME: readonly Verb[] = [
  { name: "image-load", alias: "load", help: "write", load },
  { name: "cast", help: "throw", load },
  { name: "image", help: "work", verbs: [{ name: "restore", help: "put back", load }] },
];

async function found(...words: string[]): Promise<[string, readonly string[]]> {
  const { command, words: rest } = await findCommand(SOME, words, "1.2.3");
  return [command.name(), rest];
}

async function cureFor(...words: string[]): Promise<unknown> {
  return await findCommand(SOME, words, "1.2.3").catch((thrown: unknown) => thrown);
}

describe("findCommand()", () => {
  test("finds verbs of both levels, by name or alias, and leaves their words", async () => {
    expect(await found("cast", "file", "--json")).toEqual(["huck cast", ["file", "--json"]]);
    expect(await found("load", "1")).toEqual(["huck image-load", ["1"]]);
    expect(await found("image", "restore", "a")).toEqual(["huck image restore", ["a"]]);
  });

  test("gives the overview without a verb, and a group's without one of its verbs", async () => {
    expect(await found()).toEqual(["huck", []]);
    expect(await found("--version")).toEqual(["huck", ["--version"]]);
    expect(await found("image", "-h")).toEqual(["huck image", ["-h"]]);
  });

  test("takes help before a verb as --help after it", async () => {
    expect(await found("help")).toEqual(["huck", ["--help"]]);
    expect(await found("help", "cast")).toEqual(["huck cast", ["--help"]]);
    expect(await found("help", "image", "restore")).toEqual(["huck image restore", ["--help"]]);
  });

  test.each([
    [["image-laod"], "huck image-load"],
    [["laod"], "huck load"],
    [["cats"], "huck cast"],
    [["restore"], "huck image restore"],
    [["image", "restor"], "huck image restore"],
    [["help", "restored"], "huck image restore"],
  ])("guesses what %j was meant to be", async (words, guess) => {
    expect(await cureFor(...words)).toMatchObject({
      code: "usage",
      exitCode: 2,
      cure: expect.stringContaining(`Did you mean \`${guess}\`?`) as string,
    });
  });

  test.each(["wait", "x", "", "z".repeat(100_000)])("guesses nothing for %j", async (word) => {
    expect(await cureFor(word)).toMatchObject({ cure: "`huck help` lists all verbs." });
  });
});

test("every verb of huck loads, says what it does, and adds no name twice", async () => {
  const paths = VERBS.flatMap((verb) =>
    "verbs" in verb ? verb.verbs.map(({ name }) => [verb.name, name]) : [[verb.name]],
  );
  for (const path of paths) {
    const { command } = await findCommand(VERBS, [...path, "--help"], "1.2.3");
    expect(command.name()).toBe(`huck ${path.join(" ")}`);
    expect(command.description()).not.toBe("");
  }
  const names = VERBS.flatMap((verb) => ("alias" in verb ? [verb.name, verb.alias] : [verb.name]));
  expect(new Set(names).size).toBe(names.length);
});
