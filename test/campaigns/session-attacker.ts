/**
 * The attacker of attacks-session.ts: a program on the segment that knows the key of the cast.
 *
 *     session-attacker.ts ATTACK INTERFACE DATAGRAMS-PER-SECOND
 *
 * It hears the session as a receiver does and forges messages until it is ended.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Arena, arenaMemory } from "../../shared/core/arena.ts";
import type { Endpoint } from "../../shared/core/engine.ts";
import { openDatagramPort } from "../../shared/linux/datagram.io.ts";
import { readAnnounce } from "../../shared/wire/announce.ts";
import type { BlockEntry } from "../../shared/wire/block-list.ts";
import { CAST_GROUP, CAST_PORT, castKey } from "../../shared/wire/cast-session.ts";
import { controlMessage, readControl } from "../../shared/wire/control.ts";
import {
  MessageType,
  bodyReader,
  messageSid,
  senderMessageType,
  splitSid,
  writeHeader,
} from "../../shared/wire/header.ts";
import type { OutgoingMessage } from "../../shared/wire/message.ts";
import { nackMessage } from "../../shared/wire/nack.ts";
import { reportMessage } from "../../shared/wire/report.ts";
import { readSync } from "../../shared/wire/sync.ts";
import { createTagger } from "../../shared/wire/tag.ts";

const [attack = "", interfaceName = "eth0", perSecond = "500"] = process.argv.slice(2);
const BLOCKS_MAX = 200;
const ROUND_MS = 5;

const arena = new Arena(arenaMemory(16 << 20));
const bind = { address: "0.0.0.0", port: CAST_PORT };
const { port } = await openDatagramPort({ arena, bind, shared: true, interfaceName });
port.join(CAST_GROUP);
const tagger = createTagger(arena.memory, castKey());
const view = new DataView(arena.memory.buffer);
const group: Endpoint = { address: CAST_GROUP, port: CAST_PORT };
const given = new Map<number, number>();
let sender: Endpoint | undefined;
let sid = 0n;
let syncNo = 0;
let tUs = 0;
let blocks: BlockEntry[] = [];
let seq = 0;
let next = 1;

await port.send();
for (;;) {
  hear();
  if (sender !== undefined) forge(sender);
  await port.send();
  await sleep(ROUND_MS);
}

function hear(): void {
  for (let round = 0; round < 64; round += 1) {
    const got = port.receive(0, ({ offset, length, remote }) => {
      const type = senderMessageType(view, offset, length);
      if (type === 0 || type === MessageType.data) return;
      const reader = bodyReader(arena.bytes, offset, length);
      if (type === MessageType.announce) {
        sender = { address: remote.address, port: readAnnounce(reader).feedbackPort };
        sid = messageSid(view, offset);
      } else if (type === MessageType.sync) {
        const sync = readSync(reader);
        [syncNo, tUs] = [sync.syncNo, Number(sync.tUs & 0xffffffffn)];
        const all = sync.blocks.map(({ chunk, block }) => ({ chunk, block, value: 255 }));
        blocks = [...all, ...blocks].slice(0, BLOCKS_MAX);
      } else if (type === MessageType.control) {
        const control = readControl(reader);
        if (control.op === "member") given.set(control.node, control.given);
      }
    });
    if (got === 0) return;
  }
}

function forge(to: Endpoint): void {
  const count = Math.max(1, Math.round((Number(perSecond) * ROUND_MS) / 1000));
  for (let made = 0; made < count; made += 1) {
    next = (Math.imul(next, 1664525) + 1013904223) >>> 0;
    if (attack === "flood") nack(next, to);
    else if (attack === "invented") speak(1000 + (made % 20), to);
    else if (attack === "twenty" || attack === "liar") {
      const asked = 1 + (made % (attack === "twenty" ? 20 : 1));
      const number = given.get(asked);
      if (number === undefined) report(asked, to);
      else speak(number, to);
    } else if (attack === "end") end();
  }
}

/** What a member with a full ring says that lacks everything. */
function speak(node: number, to: Endpoint): void {
  nack(node, to);
  report(node, to);
}

function report(node: number, to: Endpoint): void {
  const counts = { chunksDone: seq, lacking: 64, netLossQ16: 0, drainKiBs: 0, ringPercent: 100 };
  const lacks = { from: 0, to: 64, ranges: [{ start: 0, end: 64 }], reason: "" };
  send(reportMessage({ node, state: "receiving", ...counts, ...lacks }), to);
}

function nack(node: number, to: Endpoint): void {
  const state = { netLossQ16: 0, drainKiBs: 0, ringPercent: 100, kernelDrops: 0 };
  const clock = { syncNo, tUsEcho: tUs, hold100us: 0, receivedKiBs: 10_000 };
  send(nackMessage({ node, ...clock, ...state, blocks }), to);
}

function end(): void {
  send(controlMessage({ op: "end", outcome: "aborted", reason: "forged" }), group);
}

function send(message: OutgoingMessage, to: Endpoint): void {
  const offset = port.batch.add(message.length, to);
  if (offset < 0) return;
  message.write(arena.bytes, offset);
  writeHeader(view, offset, { type: message.type, flags: 0, sid: splitSid(sid), seq });
  seq += 1;
  tagger.seal(offset, message.length);
}
