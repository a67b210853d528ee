/**
 * ServerLink: the node API as the receiver's stories call it.
 *
 * Every call ends within a bound: it answers, throws the server's Problem as a SituationError, or
 * throws `server_unreachable` when nobody answered for the time its kind of call is worth.
 */
import type {
  ArmReply,
  ArmRequest,
  JoinReply,
  JoinRequest,
  SessionRequest,
  SessionTerms,
  StatusReply,
  StatusReport,
  VerdictReport,
} from "../../shared/control/node-api.ts";

/** An image file on its way to the server. */
export interface CaptureUpload {
  /**
   * Sends bytes.
   *
   * @param bytes - Copied before the call returns.
   * @throws SituationError when the server has refused or the connection broke.
   */
  append(bytes: Uint8Array): Promise<void>;
  /**
   * Ends the file and waits until the server has checked it and made it durable.
   *
   * @throws SituationError when the server did not take it.
   */
  commit(): Promise<void>;
  /** Breaks off; the server removes what it has. Idempotent. */
  abort(): void;
}

/** The server, seen from a receiver. */
export interface ServerLink {
  /** Asks what to do. */
  join(request: JoinRequest): Promise<JoinReply>;
  /** Asks for a place in the session of the order. */
  session(request: SessionRequest): Promise<SessionTerms>;
  /** Asks to clear the partition table. */
  arm(request: ArmRequest): Promise<ArmReply>;
  /** Tells where the node is. One try: the next report says more. */
  status(report: StatusReport): Promise<StatusReply>;
  /** Gives the verdict; repeated until answered or out of time. */
  verdict(report: VerdictReport): Promise<StatusReply>;
  /** @returns The image file from its chunk table to its end. */
  manifest(): Promise<Uint8Array>;
  /** Fetches one chunk by unicast. */
  chunk(index: number): Promise<Uint8Array>;
  capture(): CaptureUpload;
}
