/**
 * Transmissions: which stream serves which nodes.
 *
 * There is one stream per image file. A node that asks while the stream of its file lives is given
 * a place in it, whatever its job; two files of equal content have two streams, because their
 * records differ. A node that comes late is served by the carousel, one that reboots gets a new
 * member number, one that comes while the stream ends gets the next stream. A stream whose last
 * node has ended is stopped. Who sends is
 * behind {@link StartSender}; nothing here touches a socket.
 */
import assert from "node:assert/strict";
import type { SessionTerms } from "../../shared/control/node-api.ts";
import { SituationError, messageOf } from "../../shared/core/errors.ts";
import type { ImageReference } from "../../shared/image/store.ts";

/** An image as its nodes' loads named it. */
export type StreamImage = ImageReference & { readonly id: string };

/** What a sender must know. */
export interface StreamRequest {
  /** The sender refuses another image, or another file, of that name. */
  readonly image: StreamImage;
  /** 16 hexadecimal digits. */
  readonly session: string;
  /** 32 hexadecimal digits. */
  readonly key: string;
  readonly group: string;
  readonly port: number;
  readonly symbolBytes: number;
  /** Undefined: found by measurement. Unit: bits per second. */
  readonly rateBitsPerSecond: number | undefined;
  /** Starts at once with this many members... */
  readonly members: number;
  /** ...or with whoever is there after this long. Unit: milliseconds. */
  readonly gatherMs: number;
}

/** A sender that runs. */
export interface SenderHandle {
  /** Where NACKs go. */
  readonly sender: { readonly address: string; readonly port: number };
  /** Chunks of the image. */
  readonly chunkCount: number;
  /** Resolves when the stream takes nobody in any more; perhaps never. */
  readonly ending: Promise<unknown>;
  /** Resolves when the stream is over, with the reason when it failed. Never rejects. */
  readonly ended: Promise<string | undefined>;
  /** Ends the stream; members that are still there are told. Idempotent. */
  stop(): void;
  /** Ends the stream without a word: its members wait for the server to come back. Idempotent. */
  vanish(): void;
}

/** Starts a sender: resolves when it listens. */
export type StartSender = (request: StreamRequest) => Promise<SenderHandle>;

/** What transmissions are made with. */
export interface TransmissionParts {
  readonly start: StartSender;
  /** Groups to choose from, first and last as numbers of IPv4 addresses. */
  readonly groups: { readonly first: number; readonly last: number };
  readonly port: number;
  readonly symbolBytes: number;
  /** Cap of each session that asks for none of its own. Unit: bits per second. */
  readonly rateBitsPerSecond: number | undefined;
  /** 128 fresh random bits as 32 hexadecimal digits. */
  readonly id128: () => string;
  /** Told when a stream ended by a fault. */
  readonly failed: (image: StreamImage, reason: string) => void;
}

/** A node's wish to be served. */
export interface Seat {
  /** Its order. */
  readonly order: string;
  readonly image: StreamImage;
  readonly rateBitsPerSecond: number | undefined;
  /** How many nodes the stream may expect now. */
  readonly members: number;
  readonly gatherMs: number;
}

interface Stream {
  readonly request: StreamRequest;
  readonly handle: Promise<SenderHandle>;
  readonly orders: Set<string>;
  members: number;
}

/** All streams that live. */
export class Transmissions {
  readonly #parts: TransmissionParts;
  /** By image file. */
  readonly #streams = new Map<string, Stream>();
  #nextGroup: number;

  /** @param parts - See {@link TransmissionParts}. */
  constructor(parts: TransmissionParts) {
    this.#parts = parts;
    this.#nextGroup = parts.groups.first;
  }

  /**
   * Gives a node its place in the stream of its image, starting the stream if there is none.
   *
   * @param seat - What it needs.
   * @returns Terms with a member number of its own.
   * @throws {@link SituationError} `no_group_free`; whatever starting a sender throws.
   */
  async join(seat: Seat): Promise<SessionTerms> {
    const stream = this.#streams.get(fileKeyOf(seat.image)) ?? this.#open(seat);
    stream.orders.add(seat.order);
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

  /**
   * Gives up the place of an order that has ended. Idempotent.
   *
   * @param order - Its id.
   */
  leave(order: string): void {
    for (const stream of this.#streams.values()) {
      if (!stream.orders.delete(order) || stream.orders.size > 0) continue;
      this.#drop(stream);
      stream.handle.then(
        (handle) => {
          handle.stop();
        },
        () => undefined, // whoever joined was told that it did not start
      );
    }
  }

  /**
   * Leaves all streams and waits for their ends. The server stops, its jobs do not: a node at work
   * fetches the rest when the server is back.
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

  #open(seat: Seat): Stream {
    if (this.#streams.size >= STREAMS_MAX) throw noGroupFree(`${STREAMS_MAX} sessions run`);
    const request: StreamRequest = {
      image: seat.image,
      session: this.#parts.id128().slice(0, 16),
      key: this.#parts.id128(),
      group: this.#freeGroup(),
      port: this.#parts.port,
      symbolBytes: this.#parts.symbolBytes,
      rateBitsPerSecond: seat.rateBitsPerSecond ?? this.#parts.rateBitsPerSecond,
      members: seat.members,
      gatherMs: seat.gatherMs,
    };
    const handle = this.#parts.start(request);
    const stream: Stream = { request, handle, orders: new Set(), members: 0 };
    this.#streams.set(fileKeyOf(seat.image), stream);
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
        if (fault !== undefined) this.#parts.failed(seat.image, fault);
      })
      .catch((thrown: unknown) => {
        assert.fail(messageOf(thrown));
      });
    return stream;
  }

  /**
   * Round robin, so that a straggler of the last session does not hear the next one.
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

/** A load of an older journal does not know its file: its name stands for it. */
function fileKeyOf({ name, id, file }: StreamImage): string {
  return file ?? `${name} ${id}`;
}

function noGroupFree(found: string): SituationError {
  return new SituationError("no_group_free", `Cannot start a session: ${found}`, {
    cure: "Wait for a running load to end, or widen server.groups in huck.yaml.",
  });
}

/** Sessions at a time (protocol-and-safety 3.6). */
const STREAMS_MAX = 64;
