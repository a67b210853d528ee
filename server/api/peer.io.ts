/**
 * Finds out which user is at the other end of a unix socket. The kernel tells us, so a peer cannot
 * lie (unix(7), SO_PEERCRED).
 *
 * The operator API trusts uids only. If we cannot ask the kernel (koffi is missing), the mode of
 * the socket's folder alone decides, and the server says so when it starts.
 */
import { readFileSync } from "node:fs";
import { Principal } from "../../shared/control/principal.ts";
import { checked, libcFunction, libcProblem, nativeBlock } from "../../shared/linux/libc.io.ts";

/** Gives the uid of a peer; undefined if the socket is already closed. */
export type PeerUid = (socket: object) => number | undefined;

/** Makes the function that asks; undefined if system calls cannot be made here. */
export function peerUidFinder(): PeerUid | undefined {
  if (libcProblem() !== undefined) return undefined;
  const getsockopt = libcFunction("getsockopt", "int", ["int", "int", "int", "uintptr", "uintptr"]);
  const credentials = nativeBlock(UCRED_BYTES);
  const length = nativeBlock(4);
  return (socket) => {
    const descriptor = descriptorOf(socket);
    if (descriptor === undefined) return undefined;
    length.view.setUint32(0, UCRED_BYTES, true);
    checked(
      getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, credentials.address, length.address),
      "ask who is at the other end of the socket",
    );
    return credentials.view.getUint32(UID_OFFSET, true);
  };
}

/** Gives the principal of a uid, with its name if /etc/passwd has one. */
export function localPrincipal(uid: number): Principal {
  const named = Principal.parse({ kind: "local", uid, name: userName(uid) });
  return named.kind === "local" ? named : { kind: "local", uid };
}

function userName(uid: number): string | undefined {
  try {
    const users = readFileSync("/etc/passwd", "utf8").split("\n");
    return users.map((user) => user.split(":")).find(([, , id]) => id === String(uid))?.[0];
  } catch {
    return undefined; // a computer without that file has no names
  }
}

/**
 * Node.js has no public way to a socket's descriptor; its handle has had this member since 0.11.
 */
function descriptorOf(socket: object): number | undefined {
  const { _handle: handle } = socket as { _handle?: { fd?: unknown } | null };
  const descriptor = handle?.fd;
  return typeof descriptor === "number" && descriptor >= 0 ? descriptor : undefined;
}

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid, four bytes each. */
const UCRED_BYTES = 12;
const UID_OFFSET = 4;
