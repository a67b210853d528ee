/**
 * Goal: a marker is found once, wherever the bytes are cut and whatever is drawn between them.
 * Method: a text with control sequences, cut at every place (property).
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { SerialText } from "../../../rig/qemu/serial.ts";

const bytes = Buffer.from(
  "\u001b[2J\u001b[01;01HiPXE\u001b[0m\r\n\u001bcTESTOS-\u001b[1mREADY id=a\r\n",
);

test("SerialText.find() sees through control sequences, however the bytes are cut", () => {
  const cuts = fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 8 });
  fc.assert(
    fc.property(cuts, (places) => {
      const text = new SerialText();
      let from = 0;
      for (const place of [...places, bytes.length].sort((a, b) => a - b)) {
        text.append(bytes.subarray(from, place));
        from = place;
      }
      expect(text.find(/TESTOS-READY id=(\w+)/)?.[1]).toBe("a");
    }),
  );
});

test("SerialText.find() goes on behind the last match", () => {
  const text = new SerialText();
  text.append(Buffer.from("boot 1 boot 2 "));
  expect(text.find(/boot (\d)/)?.[1]).toBe("1");
  expect(text.find(/boot (\d)/)?.[1]).toBe("2");
  expect(text.find(/boot (\d)/)).toBeUndefined();
  text.append(Buffer.from("boot 3"));
  expect(text.find(/boot (\d)/)?.[1]).toBe("3");
});

test("SerialText.skip() leaves behind what came so far", () => {
  const text = new SerialText();
  text.append(Buffer.from("READY "));
  text.skip();
  expect(text.find(/READY/)).toBeUndefined();
  text.append(Buffer.from("READY"));
  expect(text.find(/READY/)).toBeDefined();
});

test("SerialText keeps a bounded text and still finds what comes last", () => {
  const text = new SerialText();
  for (let index = 0; index < 40; index++) text.append(Buffer.alloc(65_536, "x\n"));
  text.append(Buffer.from("last words\n"));
  expect(text.find(/last words/)).toBeDefined();
  expect(text.tail(2)).toBe("x\nlast words");
});

test("SerialText does not hold back text behind a lone escape for ever", () => {
  const text = new SerialText();
  text.append(Buffer.from(`\u001b[${"9".repeat(40)}`));
  expect(text.tail(1)).toContain("999");
});
