/**
 * Opens ports. If one cannot be opened, the error says what to do.
 *
 * The boot services need ports below 1024, our lab address, and no other server on those ports. If
 * one of the three is missing, the system's errors look alike, but the cures differ.
 */
import type { BindOptions, Socket } from "node:dgram";
import type { Server } from "node:http";
import { foundText } from "../../shared/core/errno.ts";
import { SituationError, codeOf } from "../../shared/core/errors.ts";
import type { Ipv4 } from "./addresses.ts";

/**
 * Binds a UDP socket; closes it if that fails.
 *
 * @param target - Address and port, or a descriptor that is bound already.
 * @param service - For the message, like "TFTP".
 * @throws {@link SituationError} `port_taken`, `port_forbidden`, `no_address`, `no_port`.
 */
export async function bound(socket: Socket, target: BindOptions, service: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(target, () => {
        socket.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    socket.close();
    throw portError(service, `${target.address ?? "any"} port ${target.port ?? 0}`, error);
  }
}

/**
 * Makes an HTTP server listen; resolves when it does.
 *
 * @throws {@link SituationError} As {@link bound}.
 */
export async function listening(server: Server, address: Ipv4, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, address, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    throw portError("boot file", `${address} port ${port}`, error);
  }
}

/**
 * Makes an error with a cure of a failed bind. A SituationError is passed through.
 *
 * @param service - What the port is for, like "TFTP".
 * @param where - Address and port.
 */
export function portError(service: string, where: string, cause: unknown): SituationError {
  if (cause instanceof SituationError) return cause;
  const found = CURES[codeOf(cause) ?? ""] ?? {
    code: "no_port",
    cure: "Correct server.interface, or the port, in huck.yaml.",
  };
  return new SituationError(
    found.code,
    `Cannot open the ${service} port at ${where}: ${foundText(cause)}, a free port wanted`,
    { cure: found.cure, cause },
  );
}

const CURES: Readonly<Record<string, { readonly code: string; readonly cure: string }>> = {
  EADDRINUSE: {
    code: "port_taken",
    cure: 'Stop the other server on that port (see "ss -ltunp"), or serve from another host.',
  },
  EACCES: { code: "port_forbidden", cure: "Run as root, or grant CAP_NET_BIND_SERVICE." },
  EPERM: { code: "port_forbidden", cure: "Run as root, or grant CAP_NET_RAW." },
  EADDRNOTAVAIL: {
    code: "no_address",
    cure: 'Give the lab interface its configured address first ("ip addr add").',
  },
};
