/**
 * `huck catch OUT|-`: receives what a `huck cast` sends, checks it, and writes it.
 *
 * It uses the transport alone, without server, image or node. A chunk's digest is checked before
 * the chunk is written. The exit code is 0 only if everything is on the medium.
 */
import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { Arena, arenaMemory } from "../../../shared/core/arena.ts";
import type { DatagramPort } from "../../../shared/core/datagram-port.ts";
import { ExitCode } from "../../../shared/core/errors.ts";
import { seededRandom } from "../../../shared/core/random.ts";
import { createFecKernel } from "../../../shared/fec/kernel.ts";
import { FEC_SCRATCH_BYTES } from "../../../shared/fec/wasm-kernel.ts";
import { endOfBegunWork, openFailure } from "../system-error.ts";
import { durationOption } from "../option-values.ts";
import { createTerminalReporter } from "../terminal-reporter.io.ts";
import { countText, speedText, secondsText, sizeText } from "../quantity-text.ts";
import type { TerminalReporter } from "../terminal-reporter.io.ts";
import type { JsonLine } from "../terminal.io.ts";
import { SYMBOL_BYTES_MAX } from "../../../shared/wire/announce.ts";
import { castKey } from "../../../shared/wire/cast-session.ts";
import { createTagger } from "../../../shared/wire/tag.ts";
import { SESSION_OVERHEAD_BYTES } from "../../../shared/session/engine-loop.io.ts";
import {
  BlockRepairer,
  repairScratchBytes,
} from "../../../shared/session/reception/block-repair.ts";
import type { ReceptionEvent } from "../../../shared/session/reception/contract.ts";
import { createReception } from "../../../shared/session/reception/engine.ts";
import type { Reception } from "../../../shared/session/reception/engine.ts";
import { runReception } from "../../../shared/session/reception/reception-loop.io.ts";
import type {
  ChunkSink,
  ReceptionEnd,
} from "../../../shared/session/reception/reception-loop.io.ts";
import { castPlace } from "./cast-options.ts";
import type { CastPlace } from "./cast-options.ts";
import { castPortFailure, openCastPort } from "./cast-port.io.ts";
import { isMedium, openCatchOutput } from "./catch-output.io.ts";
import type { CatchOutput } from "./catch-output.io.ts";
import { confirmErase, identityOfTarget } from "./restore-target.io.ts";
import { stoppable } from "./stoppable.io.ts";

export interface CatchFlags extends CastPlace {
  /** Unit: milliseconds. */
  readonly wait?: number;
  readonly sparse?: boolean;
  /** Names what exists and may be written over, as `huck image restore` has it. */
  readonly erase?: string;
}

/** For chunks: 8 in the interleave, the others waiting for repair or the disk. Unit: bytes. */
const RING_BYTES = 40 * 1024 * 1024;

/** A second signal does not wait until the sender has heard of the end. */
const SECOND_SIGNAL = {
  ends: true,
  words: "ended at once; what was caught is incomplete and not kept as a file",
};

/** Describes `huck catch` on a fresh command, which it gives back. */
export function catchCommand(command: Command): Command {
  return castPlace(command)
    .argument("<output>", 'file to make, disk to overwrite, or "-" for standard output')
    .option(
      "--wait <time>",
      "give up when no cast is heard for so long; default: never",
      durationOption("--wait"),
    )
    .option("--sparse", "leave zeros in a file as holes")
    .option("--erase <name>", "serial number or WWN of the disk, or path of the file, to be erased")
    .action(async (output: string, flags: CatchFlags) => {
      process.exitCode = await catchCast(output, flags);
    });
}

/**
 * Takes part in one cast until its end.
 *
 * @param path - Of the output: see {@link openCatchOutput}.
 * @returns `ok`; `someNodeNotRight` if not everything came; `aborted`.
 * @throws {@link SituationError} for options and outputs that cannot be used.
 */
export async function catchCast(path: string, flags: CatchFlags): Promise<ExitCode> {
  const reporter = createTerminalReporter({
    json: flags.json ?? false,
    jsonTo: path === "-" ? 2 : 1,
  });
  confirmOutput(path, flags.erase, reporter);
  const output = openOutput(path, flags.sparse ?? false);
  try {
    const arena = new Arena(arenaMemory(RING_BYTES + SESSION_OVERHEAD_BYTES));
    const port = await openPort(arena, flags, reporter);
    try {
      return await run({ arena, port, output, reporter, flags });
    } finally {
      port.close();
    }
  } finally {
    output.close();
  }
}

/** @throws {@link SituationError} `erase_not_confirmed`, `disk_in_use`, `not_permitted`. */
function confirmOutput(
  target: string,
  erase: string | undefined,
  reporter: TerminalReporter,
): void {
  if (target === "-" || !isMedium(target)) return;
  const confirmed = { target, ...(erase === undefined ? {} : { erase }) };
  confirmErase(confirmed, identityOfTarget(target), reporter);
}

interface Catch {
  readonly arena: Arena;
  readonly port: DatagramPort;
  readonly output: CatchOutput;
  readonly reporter: TerminalReporter;
  readonly flags: CatchFlags;
}

async function run({ arena, port, output, reporter, flags }: Catch): Promise<ExitCode> {
  const kernel = createFecKernel(arena.memory, { scratch: arena.region(FEC_SCRATCH_BYTES) });
  const scratch = arena.region(repairScratchBytes(SYMBOL_BYTES_MAX));
  const random = randomBytes(8);
  const reception = createReception({
    arena,
    tagger: createTagger(arena.memory, castKey()),
    random: seededRandom(random.readUInt32LE()),
    node: random.readUInt32LE(4),
    ringBytes: RING_BYTES,
    canFetch: false,
    inOrder: output.inOrder,
    policy: { sessionWaitMs: flags.wait ?? Infinity },
  });
  const openedMs = performance.now();
  const course: CatchCourse = { startedMs: 0, sid: 0n, stopped: false, fault: undefined };
  const sink: ChunkSink = {
    async deliver(chunk, record) {
      try {
        return await output.deliver(chunk, record);
      } catch (thrown) {
        course.fault ??= thrown;
        throw thrown;
      }
    },
  };
  const { group, port: udpPort, interface: at, wait } = flags;
  reporter.event(waitText(flags), { kind: "waiting", group, port: udpPort, interface: at, wait });
  const end = await stoppable(SECOND_SIGNAL, (signal) =>
    runReception({
      reception,
      port,
      arena,
      repairer: new BlockRepairer(arena, kernel, scratch),
      sink,
      stopReason: () => {
        course.stopped = signal.aborted;
        return signal.aborted ? "interrupted by the operator" : undefined;
      },
      onEvent: (event) => {
        if (event.kind === "session") course.sid = event.facts.sid;
        if (event.kind === "started") course.startedMs = performance.now();
        reporter.event(eventText(event), factsOf(event));
      },
      onProgress: () => {
        reporter.progress(
          course.sid === 0n
            ? `no cast heard yet, ${secondsText(performance.now() - openedMs)}`
            : progressText(reception, output),
        );
      },
    }),
  );
  const exitCode = finish(end, { output, reporter, reception }, course);
  if (course.fault === undefined) return exitCode;
  throw endOfBegunWork(course.fault, {
    state: "it was not caught",
    cure: "What was written is incomplete: catch it again",
  });
}

/** What is waited for, so that a wrong group or network shows before the cast begins. */
function waitText({ group, port, interface: at, wait }: CatchFlags): string {
  const where = at === undefined ? "the interface that the system chooses" : at;
  const until = wait === undefined ? "" : `, for ${secondsText(wait)} at most`;
  return `waiting for a cast to ${group} port ${port} on ${where}${until}; start huck cast now`;
}

/** What is noted while a cast is caught. */
interface CatchCourse {
  startedMs: number;
  sid: bigint;
  /** True if the operator stopped it. */
  stopped: boolean;
  /** What writing met first. */
  fault: unknown;
}

function finish(
  end: ReceptionEnd,
  { output, reporter, reception }: Pick<Catch, "output" | "reporter"> & { reception: Reception },
  { startedMs, sid, stopped }: CatchCourse,
): ExitCode {
  const right = end.outcome === "complete" && output.complete;
  const { received, surplus, dropped, decodedBlocks, nacksSent } = reception.stats();
  const tookMs = startedMs === 0 ? 0 : performance.now() - startedMs;
  const size = sizeText(output.bytesWritten);
  const ends = `${speedText(output.bytesWritten, tookMs)}, session ${sid.toString(16)}`;
  reporter.event(
    right
      ? `caught ${size}, digests right, on the medium, ${ends}`
      : `not caught: ${failureText(end, stopped)}`,
    {
      kind: "result",
      right,
      sid: sid.toString(16),
      seconds: tookMs / 1000,
      bytes: output.bytesWritten,
      ...{ received, surplus, dropped, decodedBlocks, nacksSent },
    },
  );
  if (right) return ExitCode.ok;
  return stopped ? ExitCode.aborted : ExitCode.someNodeNotRight;
}

function failureText(end: ReceptionEnd, stopped: boolean): string {
  if (end.outcome !== "failed") return "the stream has no end";
  if (stopped) return "it was stopped here";
  return end.code === "session_aborted" ? `the sender gave up: ${end.reason}` : end.reason;
}

function eventText(event: ReceptionEvent): string | undefined {
  switch (event.kind) {
    case "session":
      return "a cast was found; waiting for its start";
    case "started":
      return "the cast has started";
    case "silent":
      return `nothing heard from the sender for ${secondsText(event.forMs)}`;
    case "heard":
      return "the sender is heard again";
    case "bad chunk":
      return `chunk ${event.chunk} was wrong ${countText(event.times, "time")}`;
    case "complete":
      return "everything is here; telling the sender";
    case "reached":
    case "ended":
      return undefined; // the result line says it
  }
}

function factsOf(event: ReceptionEvent): JsonLine {
  if (event.kind !== "session") return { ...event };
  const { sid, symbolBytes, chunkCount } = event.facts;
  // "slots" is the name that programs know
  return { kind: event.kind, sid: sid.toString(16), symbolBytes, chunkCount, slots: event.lanes };
}

function progressText(reception: Reception, output: CatchOutput): string {
  const { phase, chunksDone, chunkCount, loss } = reception.stats();
  const share = chunkCount === undefined ? "" : ` ${Math.floor((100 * chunksDone) / chunkCount)} %`;
  const percent = (loss * 100).toFixed(1);
  return `${phase}${share}, ${sizeText(output.bytesWritten)} written, ${percent} % loss`;
}

async function openPort(
  arena: Arena,
  flags: CatchFlags,
  reporter: TerminalReporter,
): Promise<DatagramPort> {
  const options = { arena, place: flags, port: flags.port, shared: true };
  try {
    const port = await openCastPort(options, reporter);
    port.join(flags.group);
    return port;
  } catch (error) {
    throw castPortFailure(error);
  }
}

function openOutput(path: string, sparse: boolean): CatchOutput {
  try {
    return openCatchOutput(path, sparse);
  } catch (error) {
    throw openFailure("no_output", error, 'Name a file that can be made, an unused disk, or "-".');
  }
}
