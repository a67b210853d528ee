/**
 * Opens the best datagram port that this host supports: recvmmsg through koffi, else plain dgram.
 *
 * Both pass the same contract test (test/interop/datagram-port.test.ts), so a driver need not know
 * which one it has; the program only reports it.
 */
import type { DatagramPort } from "../core/datagram-port.ts";
import type { DatagramOptions } from "./datagram-options.ts";
import { libcProblem } from "./libc.io.ts";

export interface OpenedPort {
  /** The caller closes it. */
  readonly port: DatagramPort;
  /** Why it is the plain twin; undefined if it is not. */
  readonly because?: string;
}

/**
 * @throws {@link HuckError} with the errno's name if address, port or interface is not available.
 */
export async function openDatagramPort(options: DatagramOptions): Promise<OpenedPort> {
  const problem = libcProblem();
  if (problem === undefined) {
    const { MmsgPort } = await import("./datagram-mmsg.io.ts");
    return { port: new MmsgPort(options) };
  }
  const { DgramPort } = await import("./datagram-dgram.io.ts");
  return { port: await DgramPort.open(options), because: problem.message };
}
