/** Enters by network boot: the boot services know the wanted state, so a power cycle is enough. */
import * as z from "zod";
import { messageOf } from "../../shared/core/errors.ts";
import type { EnterBounds, EnterKind, EnterOutcome, EnteredNode } from "./enter-driver.ts";

const PxeSettings = z.strictObject({ driver: z.literal("pxe") });

/** Needs no settings: the node's power entry says how it is restarted. */
export const pxeEnter: EnterKind<typeof PxeSettings> = {
  settings: PxeSettings,
  make: (node) => ({ kind: "pxe", enter: (bounds) => restart(node, bounds) }),
};

async function restart({ name, power }: EnteredNode, bounds: EnterBounds): Promise<EnterOutcome> {
  if (power.kind === "manual") {
    return { started: true, detail: `please restart ${name} so that it boots from the network` };
  }
  try {
    const state = await power.cycle(bounds);
    if (state === "off") {
      return {
        started: false,
        reason: `${name} is still off after a power cycle`,
        cure: "Look at its power supply and its BMC.",
      };
    }
    return { started: true, detail: state === "on" ? "restarted, it is on" : "restarted" };
  } catch (thrown) {
    return {
      started: false,
      reason: messageOf(thrown),
      cure: "Correct the node's power entry in huck.yaml, or restart the node by hand.",
    };
  }
}
