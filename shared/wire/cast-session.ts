/**
 * What both ends of a cast agree on without a control server: group, port and key.
 *
 * A cast has no secret, so its tags guard against accidents and other programs' datagrams only; a
 * record's own digest says whether it is right. WIRE.md section 6.
 */
import { blake3 } from "../core/digest.ts";
import { TAG_KEY_BYTES } from "./tag.ts";

/** Multicast group of a cast; site-local scope of RFC 2365. */
export const CAST_GROUP = "239.255.72.67";
/** UDP port of its data; receivers answer to the next one. */
export const CAST_PORT = 7267;

/** @returns The key every cast is tagged with. */
export function castKey(): Uint8Array {
  return blake3(Buffer.from("huck cast version 1")).subarray(0, TAG_KEY_BYTES);
}
