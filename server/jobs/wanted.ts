/** What a node should become, derived from its order; the boot answer is derived from this. */
import { ORDER_ARMS_MAX } from "../../shared/control/wanted-state.ts";
import type { WantedState } from "../../shared/control/wanted-state.ts";
import type { LiveOrder } from "./order-machine.ts";

/**
 * Says what a node should become. An order that has armed twice does not bring its node back into
 * the receiver.
 *
 * @param order - The node's open order, if it has one.
 */
export function wantedOf(order: LiveOrder | undefined): WantedState {
  if (order === undefined) return { kind: "disk" };
  const { record, job } = order;
  if (job.state !== "running" || record.armed >= ORDER_ARMS_MAX) return { kind: "disk" };
  return { kind: job.terms.action, order: record.id };
}
