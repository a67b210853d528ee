/**
 * Starts the sender thread of a session.
 *
 * The thread reads records from the image file itself, so it is told only where they lie. We keep
 * the image open as long as the thread lives. Starting has succeeded once the thread's feedback
 * port is open.
 */
import { fromHex } from "../../shared/core/digest.ts";
import { HuckError } from "../../shared/core/errors.ts";
import type { ImageReference, OpenedImage } from "../../shared/image/store.ts";
import { startSender } from "../../shared/session/sender/sender-thread.io.ts";
import type { SenderMessage, SenderOrder } from "../../shared/session/sender/sender-thread.io.ts";
import type { SenderHandle, StartSender, SendRequest } from "./sessions.ts";

/** What every sender is started with. */
export interface SenderParts {
  /** Opens the image of a session; the sender's starter closes it. */
  readonly open: (image: ImageReference) => Promise<OpenedImage>;
  /** Kernel name of the interface to send on. */
  readonly interfaceName: string;
  /** Our address on that interface: receivers send NACKs there. */
  readonly address: string;
  /** 32 random bits. */
  readonly seed: () => number;
}

/** Makes the function with which {@link Sessions} starts its senders. */
export function senderStarter(parts: SenderParts): StartSender {
  return async (request) => {
    const image = await parts.open(request.image);
    try {
      const handle = await running(orderOf(request, parts, image), parts.address);
      void handle.ended.then(() => {
        image.close();
      });
      return handle;
    } catch (thrown) {
      image.close();
      throw thrown;
    }
  };
}

/** Resolves when the thread's port is open; rejects if it never opens. */
async function running(order: SenderOrder, address: string): Promise<SenderHandle> {
  const opened = Promise.withResolvers<number>();
  const ending = Promise.withResolvers<undefined>();
  let stopped = false;
  const ended = Promise.withResolvers<string | undefined>();
  const thread = startSender(order, (message: SenderMessage) => {
    if (message.kind === "open") opened.resolve(message.feedbackPort);
    if (message.kind === "failed") {
      opened.reject(new HuckError(message.code, message.message));
      ended.resolve(message.message);
    }
    if (message.kind === "event" && message.event.kind === "ending") ending.resolve(undefined);
    if (message.kind === "event" && message.event.kind === "ended") {
      const { outcome, reason } = message.event;
      ended.resolve(outcome === "aborted" && !stopped ? reason : undefined);
    }
  });
  void thread.gone.then(() => {
    opened.reject(
      new HuckError("sender_gone", "Cannot send: the sender's thread ended before it began"),
    );
    ended.resolve(undefined);
  });
  const port = await opened.promise;
  return {
    sender: { address, port },
    chunkCount: order.records.lengths.length,
    ending: ending.promise,
    ended: ended.promise.then(async (fault) => {
      await thread.gone;
      return fault;
    }),
    expect: (members) => {
      thread.expect(members);
    },
    stop: () => {
      stopped = true;
      thread.stop();
    },
    vanish: () => {
      thread.vanish();
    },
  };
}

function orderOf(request: SendRequest, parts: SenderParts, image: OpenedImage): SenderOrder {
  const records = image.places;
  const recordBytesMax = records.lengths.reduce((most, length) => Math.max(most, length), 0);
  return {
    session: {
      sid: BigInt(`0x${request.session}`),
      kind: "image",
      imageId: fromHex(image.summary.id, 32),
      group: { address: request.group, port: request.port },
      symbolBytes: request.symbolBytes,
      recordBytesMax,
      chunkCount: records.lengths.length,
      cacheBytes: CACHE_BYTES,
      rateCap: request.rateBitsPerSecond,
      policy: { probeCount: PROBES },
      start: {
        membersMin: request.members,
        membersMax: request.members,
        waitMinMs: 0,
        waitMaxMs: request.gatherMs,
        firstMemberMs: FIRST_MEMBER_MS,
      },
    },
    key: fromHex(request.key, 16),
    seed: parts.seed(),
    interfaceName: parts.interfaceName,
    feedbackPort: 0,
    members: request.numbers,
    records,
  };
}

/**
 * What the sender may keep in memory: chunks in the interleave, chunks that may still be NACKed and
 * chunks read ahead.
 */
const CACHE_BYTES = 40 << 20;
/** PROBE datagrams in 50 ms to each member that joins before the start (WIRE.md section 4). */
const PROBES = 32;
/** The node that asked for the session sends its first report within this time. */
const FIRST_MEMBER_MS = 10_000;
