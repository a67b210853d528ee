/**
 * A message that is to be sent: what its header says of it, and who writes its body.
 *
 * Messages are small and rare, so they are plain objects. Only DATA is too frequent for that; the
 * sender's outbox writes it by itself.
 */
import type { MessageType } from "./header.ts";

export interface OutgoingMessage {
  readonly type: MessageType;
  /** Bits of `Flag`, but for `unicast`, which is set where the destination is known. */
  readonly flags: number;
  /** Of the datagram with its header and tag. Unit: bytes. */
  readonly length: number;
  /**
   * Writes the body.
   *
   * @param offset - Of the datagram in `bytes`; neither header nor tag is touched.
   */
  readonly write: (bytes: Uint8Array, offset: number) => void;
}
