/**
 * Finds the enter driver that an entry of huck.yaml names, and reads its settings.
 *
 * An entry is the settings of one kind, or only its name, which means settings that say no more.
 * The kinds are an argument, so that a test can bring some that have settings.
 */
import assert from "node:assert/strict";
import * as z from "zod";
import type { EnterEntry } from "../inventory/inventory.ts";
import type { EnterDriver, EnterKind, EnteredNode } from "./enter-driver.ts";

/** At least one kind, each under a name of its own. */
export type EnterKinds = readonly [EnterKind, ...EnterKind[]];

/** Makes the schema of an `enter:` entry. Its output names the kind as a member, never alone. */
export function enterSchema(kinds: EnterKinds): z.ZodType<EnterEntry> {
  const names = kinds.map(nameOf);
  const [first, ...others] = kinds;
  const settings = z.discriminatedUnion("driver", [
    first.settings,
    ...others.map((kind) => kind.settings),
  ]);
  const name = z.enum(names, {
    error: ({ input }) =>
      `"${String(input)}" is no way into the receiver, one of ${names.join(", ")} wanted`,
  });
  const alone = z
    .string()
    .max(32)
    .pipe(name)
    .transform((driver) => ({ driver }))
    .pipe(settings);
  return z.union([alone, settings], { error: "a name, or a map with `driver:`, wanted" });
}

/** Makes the driver of a node. The entry is what {@link enterSchema} gave for these kinds. */
export function makeEnterDriver(
  kinds: EnterKinds,
  node: EnteredNode,
  entry: EnterEntry,
): EnterDriver {
  const kind = kinds.find((one) => nameOf(one) === entry.driver);
  assert(kind !== undefined, "huck.yaml names drivers that are there");
  return kind.make(node, kind.settings.parse(entry));
}

function nameOf({ settings }: EnterKind): string {
  return settings.shape.driver.value;
}
