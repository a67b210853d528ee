/**
 * Sessions: decides which session serves which nodes.
 *
 * There is one session per image file. A node that asks while the session of its file runs gets a
 * place in it, whatever its job is; two files of equal content have two sessions, because their
 * records differ. The carousel serves a node that comes late. A node that reboots gets a new member
 * number, and one that comes while the session ends gets the next one. A session is stopped when
 * its last node has ended. {@link StartSender} hides how a session is sent; this file touches no
 * socket.
 */
import assert from "node:assert/strict";
import type { SessionTerms } from "../../shared/control/node-api.ts";
import { SituationError, messageOf } from "../../shared/core/errors.ts";
import type { ImageReference } from "../../shared/image/store.ts";
import { MEMBER_PLACES, MemberNumbers } from "../../shared/session/sender/member-numbers.ts";
import type { MemberTable } from "../../shared/session/sender/member-numbers.ts";

/** An image as a load names it: always with its id. */
export type SessionImage = ImageReference & { readonly id: string };

/** What a sender is asked to send: one session. */
export interface SendRequest {
  /** The sender refuses any other image or file that has this name. */
  readonly image: SessionImage;
  /** 16 hexadecimal digits. */
  readonly session: string;
  /** 32 hexadecimal digits. */
  readonly key: string;
  readonly group: string;
  readonly port: number;
  readonly symbolBytes: number;
  /** Undefined: the sender finds the rate by measurement. Unit: bits per second. */
  readonly rateBitsPerSecond: number | undefined;
  /** The numbers of those who may become members; they change while the session runs. */
  readonly numbers: MemberTable;
  /** The session starts at once with this many members, unless `expect` says another number... */
  readonly members: number;
  /** ...or after this time with those that are there. Unit: milliseconds. */
  readonly gatherMs: number;
}

/** A running sender. */
export interface SenderHandle {
  /** Address and port for NACKs. */
  readonly sender: { readonly address: string; readonly port: number };
  readonly chunkCount: number;
  /** Resolves when the session takes no more members; may never resolve. */
  readonly ending: Promise<unknown>;
  /** Resolves when it is over; with the reason if it failed. Never rejects. */
  readonly ended: Promise<string | undefined>;
  /** Says how many members may still join; matters until the session starts. */
  expect(members: number): void;
  /** Ends it and tells the members that are still there. Idempotent. */
  stop(): void;
  /** Ends it without telling its members: they wait for the server's return. Idempotent. */
  vanish(): void;
}

/** Starts a sender; resolves when it listens. */
export type StartSender = (request: SendRequest) => Promise<SenderHandle>;

export interface SessionsParts {
  readonly start: StartSender;
  /** Range of multicast groups to choose from, as numbers of IPv4 addresses, both ends included. */
  readonly groups: { readonly first: number; readonly last: number };
  readonly port: number;
  readonly symbolBytes: number;
  /** Cap of a session that asks for none. Undefined: no cap. Unit: bits per second. */
  readonly rateBitsPerSecond: number | undefined;
  /** 128 fresh random bits as 32 hexadecimal digits. */
  readonly id128: () => string;
  /** Called when a session ended with a fault. */
  readonly failed: (image: SessionImage, reason: string) => void;
}

/** A node's request for a place in a session. */
export interface MemberRequest {
  /** Id of the node's order. */
  readonly order: string;
  /** Nonce of the node's boot: each boot of an order is another member. */
  readonly boot: string;
  readonly image: SessionImage;
  readonly rateBitsPerSecond: number | undefined;
  /** How many nodes may join the session, as known now. */
  readonly members: number;
  readonly gatherMs: number;
}

interface Session {
  readonly request: SendRequest;
  readonly handle: Promise<SenderHandle>;
  readonly orders: Set<string>;
  readonly numbers: MemberNumbers;
  /** How many members its sender was told to expect. */
  expected: number;
}

/** All running sessions. */
export class Sessions {
  readonly #parts: SessionsParts;
  /** By image file. */
  readonly #sessions = new Map<string, Session>();
  #nextGroup: number;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#nextGroup = parts.groups.first;
  }

  /**
   * Gives a node a place in the session of its image; starts the session if there is none.
   *
   * @returns Terms with a member number of its own; the same boot that asks again gets the same.
   * @throws {@link SituationError} `no_group_free`, `session_full`; whatever starting a
   *   sender throws.
   */
  async join(wanted: MemberRequest): Promise<SessionTerms> {
    const session = this.#sessions.get(fileKeyOf(wanted.image)) ?? this.#open(wanted);
    const member = session.numbers.give(wanted.order, wanted.boot, () =>
      Number.parseInt(this.#parts.id128().slice(-8), 16),
    );
    if (member === undefined) throw sessionFull();
    session.orders.add(wanted.order);
    const { sender, chunkCount } = await session.handle;
    const { request } = session;
    return {
      session: request.session,
      group: request.group,
      port: request.port,
      sender: { ...sender },
      symbolBytes: request.symbolBytes,
      key: request.key,
      member,
      imageId: request.image.id,
      chunkCount,
    };
  }

  /**
   * Has every session wait for those members only that may still join it, or more of them: its
   * gathering ends when they are all there.
   *
   * @param count - Gives their number for an image.
   */
  expect(count: (image: SessionImage) => number): void {
    for (const session of this.#sessions.values()) {
      const members = count(session.request.image);
      if (members === session.expected) continue;
      session.expected = members;
      session.handle.then(
        (handle) => {
          handle.expect(members);
        },
        () => undefined, // it never started
      );
    }
  }

  /** Gives up the place of an order that has ended; stops the session if that was its last. */
  leave(order: string): void {
    for (const session of this.#sessions.values()) {
      session.numbers.takeBack(order);
      if (!session.orders.delete(order) || session.orders.size > 0) continue;
      this.#drop(session);
      session.handle.then(
        (handle) => {
          handle.stop();
        },
        () => undefined, // it never started, which the nodes that asked for it were told
      );
    }
  }

  /**
   * Leaves all sessions without a word and waits until they have ended. The server stops, but its
   * jobs do not: a node at work fetches the rest when the server is back.
   */
  async close(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.allSettled(
      sessions.map(async (session) => {
        const handle = await session.handle;
        handle.vanish();
        await handle.ended;
      }),
    );
  }

  #open(wanted: MemberRequest): Session {
    if (this.#sessions.size >= SESSIONS_MAX) throw noGroupFree(`${SESSIONS_MAX} sessions run`);
    const numbers = new MemberNumbers();
    const request: SendRequest = {
      image: wanted.image,
      session: this.#parts.id128().slice(0, 16),
      key: this.#parts.id128(),
      group: this.#freeGroup(),
      port: this.#parts.port,
      symbolBytes: this.#parts.symbolBytes,
      rateBitsPerSecond: wanted.rateBitsPerSecond ?? this.#parts.rateBitsPerSecond,
      numbers: numbers.table,
      members: wanted.members,
      gatherMs: wanted.gatherMs,
    };
    const handle = this.#parts.start(request);
    const expected = wanted.members;
    const session: Session = { request, handle, orders: new Set(), numbers, expected };
    this.#sessions.set(fileKeyOf(wanted.image), session);
    handle
      .then((running) => {
        void running.ending.then(() => {
          this.#drop(session);
        });
        return running.ended;
      })
      .catch((thrown: unknown) => messageOf(thrown))
      .then((fault) => {
        this.#drop(session);
        if (fault !== undefined) this.#parts.failed(wanted.image, fault);
      })
      .catch((thrown: unknown) => {
        assert.fail(messageOf(thrown));
      });
    return session;
  }

  /**
   * Takes the groups in turn, so that a straggler of the last session does not hear the next one.
   *
   * @throws {@link SituationError} `no_group_free`.
   */
  #freeGroup(): string {
    const { first, last } = this.#parts.groups;
    const used = new Set([...this.#sessions.values()].map(({ request }) => request.group));
    for (let tries = 0; tries <= Math.min(last - first, SESSIONS_MAX); tries += 1) {
      const number = this.#nextGroup;
      this.#nextGroup = number >= last ? first : number + 1;
      const group = [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join(".");
      if (!used.has(group)) return group;
    }
    throw noGroupFree("every multicast group of the configured range is in use");
  }

  #drop(session: Session): void {
    const key = fileKeyOf(session.request.image);
    if (this.#sessions.get(key) === session) this.#sessions.delete(key);
  }
}

/** A load from an older journal has no file identity; the image's name and id must do. */
function fileKeyOf({ name, id, file }: SessionImage): string {
  return file ?? `${name} ${id}`;
}

function noGroupFree(found: string): SituationError {
  return new SituationError("no_group_free", `Cannot start a session: ${found}`, {
    cure: "Wait for a running load to end, or widen server.groups in huck.yaml.",
  });
}

function sessionFull(): SituationError {
  return new SituationError(
    "session_full",
    `Cannot give a place in the session: ${MEMBER_PLACES} nodes have one`,
    { cure: "Load the other nodes when these are done." },
  );
}

/** Most sessions at the same time. */
const SESSIONS_MAX = 64;
