/**
 * Opens the UDP port of `huck cast` or `huck catch`, and says so if it is the slower plain twin.
 */
import type { Arena } from "../../../shared/core/arena.ts";
import type { DatagramPort } from "../../../shared/core/datagram-port.ts";
import type { SituationError } from "../../../shared/core/errors.ts";
import { anyAddress } from "../../../shared/linux/datagram-options.ts";
import { openDatagramPort } from "../../../shared/linux/datagram.io.ts";
import { openFailure } from "../system-error.ts";
import type { TerminalReporter } from "../terminal-reporter.io.ts";
import type { CastPlace } from "./cast-options.ts";

export interface CastPortOptions {
  /** The port's buffers are taken from it. */
  readonly arena: Arena;
  readonly place: Pick<CastPlace, "group" | "interface">;
  /** UDP port to bind; 0 for a free one. */
  readonly port: number;
  /** True if other programs of this computer may bind the same port. */
  readonly shared: boolean;
}

/**
 * @returns The port; the caller closes it.
 * @throws Whatever opening it threw: see {@link openDatagramPort}.
 */
export async function openCastPort(
  { arena, place, port, shared }: CastPortOptions,
  reporter: TerminalReporter,
): Promise<DatagramPort> {
  const bind = { address: anyAddress(place.group), port };
  const named = place.interface === undefined ? {} : { interfaceName: place.interface };
  const { port: opened, because } = await openDatagramPort({ arena, bind, shared, ...named });
  if (because !== undefined) {
    reporter.event(`plain sockets, slower: ${because}`, { kind: "twin" });
  }
  return opened;
}

/** Explains to the operator what {@link openCastPort} threw. */
export function castPortFailure(thrown: unknown): SituationError {
  return openFailure("no_port", thrown, "Check --interface, --port and --group.");
}
