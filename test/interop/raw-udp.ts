/**
 * Sends UDP datagrams that are not to be had from an ordinary socket: with source port 0, which is
 * legal (RFC 768) but cannot be answered, or with a wrong checksum. Needs root.
 */
import { closeSync } from "node:fs";
import type { Endpoint } from "../../shared/core/engine.ts";
import { checked, libcFunction, nativeBlock } from "../../shared/linux/libc.io.ts";

const AF_INET = 2;
const SOCK_RAW = 3;
const IPPROTO_UDP = 17;

/** Sends one datagram. Of its header, what is not given is 0; a checksum of 0 is none. */
export function sendRawUdp(
  payload: Uint8Array,
  to: Endpoint,
  fields: { readonly fromPort?: number; readonly checksum?: number } = {},
): void {
  const socket = libcFunction("socket", "int", ["int", "int", "int"]);
  const parameters = ["int", "uintptr", "ulong", "int", "uintptr", "uint"] as const;
  const sendTo = libcFunction("sendto", "long", parameters);
  const fd = checked(socket(AF_INET, SOCK_RAW, IPPROTO_UDP), "open a raw socket");
  const datagram = nativeBlock(8 + payload.byteLength);
  datagram.view.setUint16(0, fields.fromPort ?? 0);
  datagram.view.setUint16(2, to.port);
  datagram.view.setUint16(4, 8 + payload.byteLength);
  datagram.view.setUint16(6, fields.checksum ?? 0);
  datagram.bytes.set(payload, 8);
  const name = nativeBlock(16);
  name.view.setUint16(0, AF_INET, true);
  name.bytes.set(to.address.split(".").map(Number), 4);
  const length = datagram.bytes.byteLength;
  const sent = sendTo(fd, datagram.address, length, 0, name.address, 16);
  closeSync(fd);
  checked(sent, "send a raw datagram");
}
