/**
 * Entry of a sender thread: opens port and file, makes the engine, runs the loop to its end.
 *
 * All input is in `workerData` (see sender-thread.io.ts), all output is messages; the thread ends
 * with its session.
 */
import { parentPort, workerData } from "node:worker_threads";
import { Arena, arenaMemory } from "../../core/arena.ts";
import { codeOf, messageOf } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import { createFecKernel } from "../../fec/kernel.ts";
import { FEC_SCRATCH_BYTES } from "../../fec/wasm-kernel.ts";
import { anyAddress } from "../../linux/datagram-options.ts";
import { openDatagramPort } from "../../linux/datagram.io.ts";
import { createTagger } from "../../wire/tag.ts";
import { SESSION_OVERHEAD_BYTES } from "../engine-loop.io.ts";
import type { SenderMessage, SenderOrder, SenderWorkerData } from "./sender-thread.io.ts";
import { admissionBy } from "./member-numbers.ts";
import { RecordFileSource, StopWord } from "./sender-thread.io.ts";
import { createSender } from "./engine.ts";
import { runSender } from "./sender-loop.io.ts";

/** Thrown to leave the loop without telling the members. */
class Vanished extends Error {}

async function main({ order, told }: SenderWorkerData): Promise<void> {
  const arena = new Arena(arenaMemory(order.session.cacheBytes + SESSION_OVERHEAD_BYTES));
  const source = new RecordFileSource(order.records);
  try {
    await runOrder(order, told, arena, source);
  } finally {
    source.close();
  }
}

async function runOrder(
  order: SenderOrder,
  told: Int32Array,
  arena: Arena,
  source: RecordFileSource,
): Promise<void> {
  const { session, interfaceName } = order;
  const named = interfaceName === undefined ? {} : { interfaceName };
  const bind = { address: anyAddress(session.group.address), port: order.feedbackPort };
  const { port, because } = await openDatagramPort({ arena, bind, ...named });
  try {
    const feedbackPort = port.local.port;
    tell({ kind: "open", feedbackPort, ...(because === undefined ? {} : { because }) });
    const sender = createSender({
      ...session,
      arena,
      kernel: createFecKernel(arena.memory, { scratch: arena.region(FEC_SCRATCH_BYTES) }),
      tagger: createTagger(arena.memory, order.key),
      random: seededRandom(order.seed),
      feedbackPort,
      admission: admissionBy(order.members),
    });
    let expected = 0;
    await runSender({
      sender,
      port,
      arena,
      source,
      stopReason: () => {
        const members = Atomics.load(told, 1);
        if (members !== expected) sender.complete({ kind: "expected", members }, performance.now());
        expected = members;
        const word = Atomics.load(told, 0);
        if (word === StopWord.vanish) throw new Vanished();
        return word === StopWord.end ? "the server ended the session" : undefined;
      },
      onEvent: (event) => {
        tell({ kind: "event", event });
      },
      onProgress: () => {
        tell({ kind: "stats", stats: sender.stats() });
      },
    });
    tell({ kind: "stats", stats: sender.stats() });
  } finally {
    port.close();
  }
}

function tell(message: SenderMessage): void {
  parentPort?.postMessage(message);
}

try {
  await main(workerData as SenderWorkerData);
} catch (error) {
  if (!(error instanceof Vanished)) {
    tell({ kind: "failed", code: codeOf(error) ?? "sender_failed", message: messageOf(error) });
  }
}
