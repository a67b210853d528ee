/**
 * ServerLink: the node API as load.ts, save.ts and visit.ts call it.
 *
 * Every call ends within a bound: it returns the answer, throws the server's Problem as a
 * SituationError, or throws `server_unreachable` if nobody answered for as long as this kind of
 * call is repeated.
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
   * @throws SituationError if the server has refused or the connection broke.
   */
  append(bytes: Uint8Array): Promise<void>;
  /**
   * Ends the file and waits until the server has checked it and made it durable.
   *
   * @throws SituationError if the server did not accept it.
   */
  commit(): Promise<void>;
  /** Breaks the upload off; the server removes what it has. Idempotent. */
  abort(): void;
}

/** The server as a receiver sees it. */
export interface ServerLink {
  /** Asks for the order of this node. */
  join(request: JoinRequest): Promise<JoinReply>;
  /** Asks for a place in the session of the order. */
  session(request: SessionRequest): Promise<SessionTerms>;
  /** Asks for permission to close the gate: to clear the partition table. */
  arm(request: ArmRequest): Promise<ArmReply>;
  /** Reports phase and progress. Tried once: the next report has newer figures. */
  status(report: StatusReport): Promise<StatusReply>;
  /** Reports the verdict; repeated until the server answers or the time for it is over. */
  verdict(report: VerdictReport): Promise<StatusReply>;
  /** @returns The tail of the image file: from its chunk table to its end. */
  tail(): Promise<Uint8Array>;
  /** Fetches one chunk by unicast. */
  chunk(index: number): Promise<Uint8Array>;
  capture(): CaptureUpload;
}
