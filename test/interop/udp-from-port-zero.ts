/**
 * Sends a UDP datagram whose source port is 0: legal on the wire (RFC 768), impossible to answer,
 * and not to be had from an ordinary socket. Needs root.
 */
import { closeSync } from "node:fs";
import { checked, libcFunction, nativeBlock } from "../../shared/linux/libc.io.ts";

const AF_INET = 2;
const SOCK_RAW = 3;
const IPPROTO_UDP = 17;

/** Sends one datagram from port 0. */
export function sendFromPortZero(payload: Uint8Array, address: string, port: number): void {
  const socket = libcFunction("socket", "int", ["int", "int", "int"]);
  const parameters = ["int", "uintptr", "ulong", "int", "uintptr", "uint"] as const;
  const sendTo = libcFunction("sendto", "long", parameters);
  const fd = checked(socket(AF_INET, SOCK_RAW, IPPROTO_UDP), "open a raw socket");
  const datagram = nativeBlock(8 + payload.byteLength); // source port, port, length, no checksum
  datagram.view.setUint16(2, port);
  datagram.view.setUint16(4, 8 + payload.byteLength);
  datagram.bytes.set(payload, 8);
  const to = nativeBlock(16);
  to.view.setUint16(0, AF_INET, true);
  to.bytes.set(address.split(".").map(Number), 4);
  const length = datagram.bytes.byteLength;
  const sent = sendTo(fd, datagram.address, length, 0, to.address, 16);
  closeSync(fd);
  checked(sent, "send from port 0");
}
