/**
 * Goal: who mistypes a name is shown the one that was meant, and nobody a far one. Method: words
 * with a letter too many, too few, another, or two swapped.
 */
import { expect, test } from "vitest";
import { nearestHint, nearestName } from "../../../../shared/core/nearest-name.ts";

const NAMES = ["fit01", "ubuntu-24.04", "debian"];

test("nearestName() finds a name that differs by few letters, and no other", () => {
  const words = ["ubuntu-2404", "ubuntu-24.040", "debain", "debiam", "fti01", "ubutnu-24.05"];
  const [ubuntu, debian] = ["ubuntu-24.04", "debian"];
  expect(words.map((word) => nearestName(NAMES, word))).toEqual([
    ...[ubuntu, ubuntu, debian, debian, "fit01", ubuntu],
  ]);
  for (const word of ["", "windows", "fit", "d", "x".repeat(100_000)]) {
    expect([word, nearestName(NAMES, word)]).toEqual([word, undefined]);
  }
});

test("nearestName() takes no longer for any number of long names", () => {
  const names = Array.from({ length: 100_000 }, (_, index) => `${"n".repeat(200)}${index}`);
  expect(nearestName(names, "n".repeat(1000))).toBe(undefined);
});

test("nearestHint() begins a cure, or says nothing", () => {
  expect(nearestHint(NAMES, "debain")).toBe('Did you mean "debian"? ');
  expect(nearestHint(NAMES, "windows")).toBe("");
});
