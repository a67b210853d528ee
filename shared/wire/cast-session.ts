/**
 * The group, port and key of a cast: both ends use the same, without a control server.
 *
 * A cast has no secret, so its tags guard only against accidents and other programs' datagrams; a
 * record's own digest shows whether it is right. WIRE.md section 6.
 */
import { blake3 } from "../core/digest.ts";
import { TAG_KEY_BYTES } from "./tag.ts";

/** Multicast group of a cast; site-local scope of RFC 2365. */
export const CAST_GROUP = "239.255.72.67";
/** UDP port of its data; receivers send their messages to the next port. */
export const CAST_PORT = 7267;

/** @returns The key for the tags of every cast. */
export function castKey(): Uint8Array {
  return blake3(Buffer.from("huck cast version 1")).subarray(0, TAG_KEY_BYTES);
}
