/**
 * Goal: whoever sees no answer is told why. Method: the sentences of outcomes that are no answers.
 */
import { expect, test } from "vitest";
import { outcomeText } from "../../../../server/boot/outcomes.ts";

test.each([
  ["unknown_node", /huck\.yaml/],
  ["relayed", /relay/],
  ["no_address", /server\.dhcp\.range/],
  ["mode_refused", /octet/],
] as const)("outcomeText() of %s names what to look at", (outcome, wanted) => {
  expect(outcomeText(outcome)).toMatch(wanted);
});
