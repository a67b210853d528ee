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
  /** "mmsg": batched system calls. "dgram": the plain twin. */
  readonly kind: "mmsg" | "dgram";
  /** Why it is the plain twin. */
  readonly because?: string;
}

/**
 * @param wanted - Asks for one kind; default: the best that works.
 * @throws {@link HuckError} with the errno's name if address, port or interface is not available.
 */
export async function openDatagramPort(
  options: DatagramOptions,
  wanted: "mmsg" | "dgram" | "best" = "best",
): Promise<OpenedPort> {
  const problem = libcProblem();
  if (wanted === "mmsg" || (wanted === "best" && problem === undefined)) {
    const { MmsgPort } = await import("./datagram-mmsg.io.ts");
    return { port: new MmsgPort(options), kind: "mmsg" };
  }
  const { DgramPort } = await import("./datagram-dgram.io.ts");
  const port = await DgramPort.open(options);
  return { port, kind: "dgram", ...(problem === undefined ? {} : { because: problem.message }) };
}
