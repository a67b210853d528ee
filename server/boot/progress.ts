/**
 * How far a node has come between power-on and the receiver: a list of states, with a sentence for
 * each.
 *
 * Every contact with a boot service is one state. The log prints the sentences. The state that a
 * node never gets past shows where its boot breaks.
 */
import type { Mac } from "./addresses.ts";

/** A state of a node's boot, in the order in which a boot passes through them. */
export type BootState =
  | "asked"
  | "address_given"
  | "no_address"
  | "address_declined"
  | "file_named"
  | "unfit"
  | "sent_to_disk"
  | "loader_fetched"
  | "script_fetched"
  | "kernel_fetched"
  | "initramfs_fetched";

/** One step of one node. */
export interface BootEvent {
  /** The node's name in the inventory. */
  readonly node: string;
  /** The MAC that it came with. */
  readonly mac: Mac;
  readonly state: BootState;
  /** What the sentence is about: an address, a file name, a firmware. May be empty. */
  readonly detail: string;
}

/** Says what a step means to the person in front of the node: one sentence without a period. */
export function bootSentence(event: BootEvent): string {
  return `${event.node} (${event.mac}) ${PREDICATES[event.state].replace("%", event.detail)}`;
}

/** The rest of the sentence after the node's name; "%" stands for the detail. */
const PREDICATES: Readonly<Record<BootState, string>> = {
  asked: "asks how to boot (%)",
  address_given: "has the address %",
  no_address: "gets no address: the pool is used up or there is none (%)",
  address_declined: "found its address % in use by somebody else",
  file_named: "is told to fetch %",
  unfit: "gets no boot file: none is published for its firmware (%)",
  sent_to_disk: "is sent to its disk (%)",
  loader_fetched: "fetched the boot loader %",
  script_fetched: "fetched its script and may enter the receiver (%)",
  kernel_fetched: "fetched the receiver's kernel %",
  initramfs_fetched: "fetched the receiver's files %",
};
