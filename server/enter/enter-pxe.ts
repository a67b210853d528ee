/** Enters by network boot: the boot services know the wanted state, so a power cycle is enough. */
import { messageOf } from "../../shared/core/errors.ts";
import type { EnterDriver, EnterOutcome, EnterRequest } from "./enter-driver.ts";

export const enterByPxe: EnterDriver = {
  kind: "pxe",
  enter: async (request: EnterRequest): Promise<EnterOutcome> => {
    const { node, power, timeoutMs, signal } = request;
    if (power.kind === "manual") {
      return { started: true, detail: `please restart ${node} so that it boots from the network` };
    }
    try {
      const state = await power.cycle({ timeoutMs, signal });
      if (state === "off") {
        return {
          started: false,
          reason: `${node} is still off after a power cycle`,
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
  },
};
