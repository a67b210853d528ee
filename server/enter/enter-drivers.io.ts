/**
 * The registry of enter drivers: every way into the receiver, under the name that huck.yaml uses. A
 * new one is one file and one line here.
 */
import type * as z from "zod";
import type { EnterEntry } from "../inventory/inventory.ts";
import type { EnterDriver, EnteredNode } from "./enter-driver.ts";
import { enterSchema, makeEnterDriver } from "./enter-kinds.ts";
import type { EnterKinds } from "./enter-kinds.ts";
import { pxeEnter } from "./enter-pxe.ts";

const KINDS: EnterKinds = [
  pxeEnter, //
];

/** An `enter:` entry of huck.yaml: the settings of one driver, or its name alone. */
export const EnterSettings: z.ZodType<EnterEntry> = enterSchema(KINDS);

/** Makes the enter driver of a node. The entry is what {@link EnterSettings} made of it. */
export function enterDriver(node: EnteredNode, entry: EnterEntry): EnterDriver {
  return makeEnterDriver(KINDS, node, entry);
}
