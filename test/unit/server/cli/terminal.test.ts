/**
 * Goal: live lines are redrawn in place on every kind of terminal and nowhere else, and no text can
 * steer a terminal.
 *
 * Method: outputs that keep what was written, with and without a size.
 */
import { describe, expect, test } from "vitest";
import { LiveLines, Terminal } from "../../../../server/cli/terminal.io.ts";
import type { TextOutput } from "../../../../server/cli/terminal.io.ts";

function screen(facts: Partial<TextOutput> = { isTTY: true, columns: 20, rows: 5 }): {
  written: string[];
  output: TextOutput;
} {
  const written: string[] = [];
  return { written, output: { ...facts, write: (text) => written.push(text) } };
}

function terminalOn(output: TextOutput, type = "xterm"): Terminal {
  return new Terminal(output, new LiveLines(), type);
}

describe("Terminal.print()", () => {
  test("replaces every character that steers a terminal", () => {
    const { written, output } = screen({});
    const terminal = terminalOn(output);
    terminal.print("disk \u001b[2J\u009b1m\r\nfit02: ok\u202e\u2028\u00ad, größer");
    expect(written.join("")).toBe("disk ?[2J?1m??fit02: ok???, größer\n");
  });

  test("clears live lines first, also those of the other output of the screen", () => {
    const { written, output } = screen();
    const shared = new LiveLines();
    new Terminal(output, shared, "xterm").live(["one", "two"]);
    new Terminal(output, shared, "xterm").print("result");
    new Terminal(output, shared, "xterm").print("end");
    expect(written).toEqual(["one\ntwo\n", "\u001b[2A\r\u001b[J", "result\n", "end\n"]);
  });
});

test("Terminal.printJson() loses nothing and writes what is not printable as escapes", () => {
  const { written, output } = screen({});
  const value = { kind: "disk", model: "\u001b[31m\u009b\u202e\u{e0001}", name: "grün" };
  terminalOn(output).printJson(value);
  const line = written.join("");
  expect(JSON.parse(line)).toEqual(value);
  expect(line).toMatch(/^[\u0020-\u007e\u00e0-\u00ff]+\n$/);
});

test("Terminal.print() breaks lines between words on a terminal, and nowhere in a pipe", () => {
  const line = "huck: Cannot find node fit01";
  const narrow = screen();
  terminalOn(narrow.output).print(line);
  expect(narrow.written.join("")).toBe("huck: Cannot find\n  node fit01\n");
  const pipe = screen({});
  terminalOn(pipe.output).print(line);
  expect(pipe.written.join("")).toBe(`${line}\n`);
});

describe("Terminal.live()", () => {
  test("redraws in place, within the room, and leaves what is to be kept", () => {
    const { written, output } = screen();
    const terminal = terminalOn(output);
    terminal.live(["a".repeat(30), "b\u001b[A", "c", "d", "e", "f"]);
    terminal.live(["done"]);
    terminal.keep();
    terminal.live([]);
    const first = `${"a".repeat(17)}...\nb?[A\nc\nd\n`;
    expect(written).toEqual([first, "\u001b[4A\r\u001b[J", "done\n"]);
  });

  test.each([
    ["a pipe", {}, "xterm"],
    ["TERM=dumb", { isTTY: true, columns: 80, rows: 24 }, "dumb"],
  ])("shows nothing on %s", (_, facts, type) => {
    const { written, output } = screen(facts);
    const terminal = terminalOn(output, type);
    expect(terminal.isLive).toBe(false);
    terminal.live(["a line"]);
    expect(written).toEqual([]);
  });
});

test.each([
  ["of 0x0", { isTTY: true, columns: 0, rows: 0 }],
  ["without a size", { isTTY: true }],
])("Terminal.room is that of 80x24 on a terminal %s", (_, facts) => {
  expect(terminalOn(screen(facts).output).room).toEqual({ columns: 80, rows: 23 });
});
