/**
 * What the boot services may do with a question, in words for the person whose computer does not
 * boot.
 */
import type { DhcpOutcome } from "./dhcp/engine.ts";
import type { HttpOutcome } from "./http/http-listener.io.ts";
import type { TftpOutcome } from "./tftp/tftp-listener.io.ts";

/** All outcomes that a question can have. */
export type BootOutcome = DhcpOutcome | TftpOutcome | HttpOutcome | "not_sent";

/** Says what an outcome means: a part of a sentence without a period. */
export function outcomeText(outcome: BootOutcome): string {
  return TEXTS[outcome];
}

const TEXTS: Readonly<Record<BootOutcome, string>> = {
  answered: "answered",
  malformed: "no answer: the message cannot be read",
  not_a_request: "no answer: it asks for nothing that is served here",
  unknown_node: "no answer: no node in huck.yaml has this MAC",
  rate_limited: "no answer: it asks too often",
  strangers_limited: "no answer: too many computers ask that are not in huck.yaml",
  raspberry: "no answer: a Raspberry Pi's boot ROM cannot be served in proxy mode",
  unfit: "no answer: no boot file is published for its firmware",
  nothing_to_do: "no answer: no job wants the node, so it boots its disk",
  other_server: "left to the site's DHCP server",
  relayed: "no answer: it came through a DHCP relay, and one subnet is served",
  foreign_address: "no answer: its address is outside the subnet that is served",
  no_address: "no answer: the pool of server.dhcp.range is used up, or there is none",
  noted: "noted; this needs no answer",
  started: "the transfer began",
  started_again: "the transfer began again: the same request came twice",
  not_found: "refused: no such file is published for it",
  write_refused: "refused: files can only be read",
  mode_refused: "refused: only mode octet (binary) is served",
  busy: "refused: too many transfers",
  stray: "no answer: it belongs to no transfer",
  not_sent: "the kernel did not send the answer",
  replaced: "the transfer ended: its client asked for something else",
  gave_way: "the transfer ended: too many others began",
  complete: "fetched",
  aborted: "the client broke the transfer off",
  lost: "the client fell silent in the transfer",
  expired: "the transfer took too long",
  file: "fetched",
  script: "fetched",
  bad_method: "refused: only GET, and HEAD of files, are served",
  bad_range: "refused: the file is shorter than the range",
  departed: "the client broke the connection off",
  failed: "failed: the server's log has the reason",
};
