/**
 * Goal: folders of tests are there in time and gone afterwards.
 * Method: one test looks at what the one before it had.
 */
import { existsSync } from "node:fs";
import { beforeEach, expect, test } from "vitest";
import { fileFolder, testFolder } from "../../rig/folder.ts";

const ofFile = fileFolder();
const ofTests: string[] = [];

beforeEach(() => {
  ofTests.push(testFolder());
});

test("testFolder() and fileFolder() make folders", () => {
  expect([ofFile, ...ofTests].map((folder) => existsSync(folder))).toEqual([true, true]);
});

test("testFolder() removes each with its test, fileFolder() keeps its own", () => {
  expect([ofFile, ...ofTests].map((folder) => existsSync(folder))).toEqual([true, false, true]);
});
