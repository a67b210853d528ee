/**
 * Transmissions: decides which stream serves which nodes.
 *
 * There is one stream per image file. A node that asks while the stream of its file runs gets a
 * place in it, whatever its job is; two files of equal content have two streams, because their
 * records differ. The carousel serves a node that comes late. A node that reboots gets a new member
 * number, and one that comes while the stream ends gets the next stream. A stream is stopped when
 * its last node has ended. {@link StartSender} hides how a stream is sent; this file touches no
 * socket.
 */
import assert from "node:assert/strict";
import type { SessionTerms } from "../../shared/control/node-api.ts";
import { SituationError, messageOf } from "../../shared/core/errors.ts";
import type { ImageReference } from "../../shared/image/store.ts";

/** An image as a load names it: always with its id. */
export type StreamImage = ImageReference & { readonly id: string };

/** What a sender must know about the stream. */
export interface StreamRequest {
  /** The sender refuses any other image or file that has this name. */
  readonly image: StreamImage;
  /** 16 hexadecimal digits. */
  readonly session: string;
  /** 32 hexadecimal digits. */
  readonly key: string;
  readonly group: string;
  readonly port: number;
  readonly symbolBytes: number;
  /** Undefined: the sender finds the rate by measurement. Unit: bits per second. */
  readonly rateBitsPerSecond: number | undefined;
  /** The stream starts at once with this many members... */
  readonly members: number;
  /** ...or after this time with those that are there. Unit: milliseconds. */
  readonly gatherMs: number;
}

/** A running sender. */
export interface SenderHandle {
  /** Address and port for NACKs. */
  readonly sender: { readonly address: string; readonly port: number };
  readonly chunkCount: number;
  /** Resolves when the stream takes no more members; may never resolve. */
  readonly ending: Promise<unknown>;
  /** Resolves when the stream is over; with the reason if it failed. Never rejects. */
  readonly ended: Promise<string | undefined>;
  /** Ends the stream and tells the members that are still there. Idempotent. */
  stop(): void;
  /** Ends the stream without telling its members: they wait for the server's return. Idempotent. */
  vanish(): void;
}

/** Starts a sender; resolves when it listens. */
export type StartSender = (request: StreamRequest) => Promise<SenderHandle>;

/** What transmissions are made with. */
export interface TransmissionParts {
  readonly start: StartSender;
  /** Range of multicast groups to choose from, as numbers of IPv4 addresses, both ends included. */
  readonly groups: { readonly first: number; readonly last: number };
  readonly port: number;
  readonly symbolBytes: number;
  /** Cap of a session that asks for none. Undefined: no cap. Unit: bits per second. */
  readonly rateBitsPerSecond: number | undefined;
  /** 128 fresh random bits as 32 hexadecimal digits. */
  readonly id128: () => string;
  /** Called when a stream ended with a fault. */
  readonly failed: (image: StreamImage, reason: string) => void;
}

/** A node's request for a place in a stream. */
export interface MemberRequest {
  /** Id of the node's order. */
  readonly order: string;
  readonly image: StreamImage;
  readonly rateBitsPerSecond: number | undefined;
  /** How many nodes may join the stream, as known now. */
  readonly members: number;
  readonly gatherMs: number;
}

interface Stream {
  readonly request: StreamRequest;
  readonly handle: Promise<SenderHandle>;
  readonly orders: Set<string>;
  members: number;
}

/** All running streams. */
export class Transmissions {
  readonly #parts: TransmissionParts;
  /** By image file. */
  readonly #streams = new Map<string, Stream>();
  #nextGroup: number;

  constructor(parts: TransmissionParts) {
    this.#parts = parts;
    this.#nextGroup = parts.groups.first;
  }

  /**
   * Gives a node a place in the stream of its image; starts the stream if there is none.
   *
   * @returns Terms with a member number of its own.
   * @throws {@link SituationError} `no_group_free`; whatever starting a sender throws.
   */
  async join(wanted: MemberRequest): Promise<SessionTerms> {
    const stream = this.#streams.get(fileKeyOf(wanted.image)) ?? this.#open(wanted);
    stream.orders.add(wanted.order);
    stream.members += 1;
    const member = stream.members;
    const { sender, chunkCount } = await stream.handle;
    const { request } = stream;
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

  /** Gives up the place of an order that has ended; stops the stream if that was its last. */
  leave(order: string): void {
    for (const stream of this.#streams.values()) {
      if (!stream.orders.delete(order) || stream.orders.size > 0) continue;
      this.#drop(stream);
      stream.handle.then(
        (handle) => {
          handle.stop();
        },
        () => undefined, // it never started, which the nodes that asked for it were told
      );
    }
  }

  /**
   * Leaves all streams without a word and waits until they have ended. The server stops, but its
   * jobs do not: a node at work fetches the rest when the server is back.
   */
  async close(): Promise<void> {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    await Promise.allSettled(
      streams.map(async (stream) => {
        const handle = await stream.handle;
        handle.vanish();
        await handle.ended;
      }),
    );
  }

  #open(wanted: MemberRequest): Stream {
    if (this.#streams.size >= STREAMS_MAX) throw noGroupFree(`${STREAMS_MAX} sessions run`);
    const request: StreamRequest = {
      image: wanted.image,
      session: this.#parts.id128().slice(0, 16),
      key: this.#parts.id128(),
      group: this.#freeGroup(),
      port: this.#parts.port,
      symbolBytes: this.#parts.symbolBytes,
      rateBitsPerSecond: wanted.rateBitsPerSecond ?? this.#parts.rateBitsPerSecond,
      members: wanted.members,
      gatherMs: wanted.gatherMs,
    };
    const handle = this.#parts.start(request);
    const stream: Stream = { request, handle, orders: new Set(), members: 0 };
    this.#streams.set(fileKeyOf(wanted.image), stream);
    handle
      .then((running) => {
        void running.ending.then(() => {
          this.#drop(stream);
        });
        return running.ended;
      })
      .catch((thrown: unknown) => messageOf(thrown))
      .then((fault) => {
        this.#drop(stream);
        if (fault !== undefined) this.#parts.failed(wanted.image, fault);
      })
      .catch((thrown: unknown) => {
        assert.fail(messageOf(thrown));
      });
    return stream;
  }

  /**
   * Takes the groups in turn, so that a straggler of the last session does not hear the next one.
   *
   * @throws {@link SituationError} `no_group_free`.
   */
  #freeGroup(): string {
    const { first, last } = this.#parts.groups;
    const used = new Set([...this.#streams.values()].map(({ request }) => request.group));
    for (let tries = 0; tries <= Math.min(last - first, STREAMS_MAX); tries += 1) {
      const number = this.#nextGroup;
      this.#nextGroup = number >= last ? first : number + 1;
      const group = [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join(".");
      if (!used.has(group)) return group;
    }
    throw noGroupFree("every multicast group of the configured range is in use");
  }

  #drop(stream: Stream): void {
    const key = fileKeyOf(stream.request.image);
    if (this.#streams.get(key) === stream) this.#streams.delete(key);
  }
}

/** A load from an older journal has no file identity; the image's name and id must do. */
function fileKeyOf({ name, id, file }: StreamImage): string {
  return file ?? `${name} ${id}`;
}

function noGroupFree(found: string): SituationError {
  return new SituationError("no_group_free", `Cannot start a session: ${found}`, {
    cure: "Wait for a running load to end, or widen server.groups in huck.yaml.",
  });
}

/** Most sessions at the same time. */
const STREAMS_MAX = 64;
