/**
 * Opens the best datagram port this host can have: recvmmsg through koffi, else plain dgram.
 *
 * Both pass the same contract test (test/interop/datagram-port.test.ts), so a driver never asks
 * which one it got; the program only says so.
 */
import type { DatagramPort } from "../core/datagram-port.ts";
import type { DatagramOptions } from "./datagram-options.ts";
import { libcProblem } from "./libc.io.ts";

/** An open port, and which of the two it is. */
export interface OpenedPort {
  /** The port; the caller closes it. */
  readonly port: DatagramPort;
  /** "mmsg": batched system calls. "dgram": the plain twin. */
  readonly kind: "mmsg" | "dgram";
  /** Why it is the plain twin. */
  readonly because?: string;
}

/**
 * Opens a datagram port.
 *
 * @param wanted - Ask for one kind; default: the best that can be had.
 * @returns An open port.
 * @throws {@link HuckError} with the errno's name when address, port or interface cannot be had.
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
