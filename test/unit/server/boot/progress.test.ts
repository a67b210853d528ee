/**
 * Goal: every state of a boot reads as one sentence about the node. Method: all states.
 */
import { expect, test } from "vitest";
import { bootSentence } from "../../../../server/boot/progress.ts";
import type { BootState } from "../../../../server/boot/progress.ts";

const states: readonly BootState[] = [
  "asked",
  "address_given",
  "no_address",
  "address_declined",
  "file_named",
  "unfit",
  "sent_to_disk",
  "loader_fetched",
  "script_fetched",
  "kernel_fetched",
  "initramfs_fetched",
];

test("bootSentence() names node, MAC and detail in each state, without a period", () => {
  const sentences = states.map((state) => {
    return bootSentence({ node: "fit01", mac: "02:00:00:00:00:01", state, detail: "DETAIL" });
  });
  expect(new Set(sentences).size).toBe(states.length);
  for (const sentence of sentences) {
    expect(sentence).toMatch(/^(fit01|02:00:00:00:00:01)/);
    expect(sentence).toContain("DETAIL");
    expect(sentence).toMatch(/[^.]$/);
    expect(sentence).not.toContain("%");
  }
});
