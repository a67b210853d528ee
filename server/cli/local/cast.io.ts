/**
 * `huck cast FILE|-`: sends a file, a disk or a stream to all receivers that run `huck catch`.
 *
 * It uses the transport alone, without server, image or node. Exit code 0 means that every receiver
 * that joined has everything.
 */
import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { Arena, arenaMemory } from "../../../shared/core/arena.ts";
import type { DatagramPort } from "../../../shared/core/datagram-port.ts";
import type { ExitCode } from "../../../shared/core/errors.ts";
import { SituationError, codeOf } from "../../../shared/core/errors.ts";
import { seededRandom } from "../../../shared/core/random.ts";
import { createFecKernel } from "../../../shared/fec/kernel.ts";
import { FEC_SCRATCH_BYTES } from "../../../shared/fec/wasm-kernel.ts";
import { endOfBegunWork, openFailure } from "../system-error.ts";
import { durationOption, rateOption, wholeOption } from "../option-values.ts";
import { createTerminalReporter } from "../terminal-reporter.io.ts";
import type { TerminalReporter } from "../terminal-reporter.io.ts";
import { CAST_RECORD_BYTES_MAX } from "../../../shared/wire/cast-record.ts";
import { castKey } from "../../../shared/wire/cast-session.ts";
import { createTagger } from "../../../shared/wire/tag.ts";
import { SESSION_OVERHEAD_BYTES } from "../../../shared/session/engine-loop.io.ts";
import type { StartRule } from "../../../shared/session/sender/contract.ts";
import { createSender } from "../../../shared/session/sender/engine.ts";
import type { ChunkSource } from "../../../shared/session/sender/sender-loop.io.ts";
import { runSender } from "../../../shared/session/sender/sender-loop.io.ts";
import { castPlace } from "./cast-options.ts";
import type { CastPlace } from "./cast-options.ts";
import { castPortFailure, openCastPort } from "./cast-port.io.ts";
import { CastTally, castProgress } from "./cast-report.ts";
import { openCastInput } from "./cast-input.io.ts";
import type { CastInput } from "./cast-input.io.ts";
import { stoppable } from "./stoppable.io.ts";

export interface CastFlags extends CastPlace {
  /** Unit: bits per second. */
  readonly rate?: number;
  readonly minReceivers?: number;
  /** Unit: milliseconds. */
  readonly wait?: number;
  /** Unit: milliseconds. */
  readonly maxWait?: number;
}

/** Payload that fits a link of MTU 1500, also with IPv6 and a VLAN tag. Unit: bytes. */
const SYMBOL_BYTES = 1408;
/** For chunks in the interleave, chunks that may be NACKed, and chunks read ahead. Unit: bytes. */
const CACHE_BYTES = 40 * 1024 * 1024;
/** Most receivers of one session: what its messages can count. */
const MEMBERS_MAX = 65535;
/** Without a number of receivers to wait for, people need time to start some. */
const WAIT_DEFAULT_MS = 5000;

/** A second signal does not wait until the receivers have heard of the end. */
const SECOND_SIGNAL = {
  ends: true,
  words: "ended at once; receivers that have not heard of it wait until they give up",
};

/** Describes `huck cast` on a fresh command, which it gives back. */
export function castCommand(command: Command): Command {
  return castPlace(command)
    .argument("<file>", 'file or disk to send, or "-" for standard input')
    .option(
      "--rate <bits>",
      "most bits per second on the wire: 900M, 1G; default: found by itself",
      rateOption("--rate"),
    )
    .option(
      "--min-receivers <count>",
      "start as soon as so many are there",
      wholeOption("--min-receivers", { least: 1, most: MEMBERS_MAX }),
    )
    .option("--wait <time>", "wait at least so long for receivers", durationOption("--wait"))
    .option(
      "--max-wait <time>",
      "start with whoever is there after so long",
      durationOption("--max-wait"),
    )
    .action(async (file: string, flags: CastFlags) => {
      process.exitCode = await cast(file, flags);
    });
}

/**
 * Runs one cast to its end.
 *
 * @param file - Path, or "-".
 * @returns `ok`, `someNodeNotRight` or `aborted`.
 * @throws {@link SituationError} for options and files that cannot be used.
 */
export async function cast(file: string, flags: CastFlags): Promise<ExitCode> {
  const reporter = createTerminalReporter({ json: flags.json ?? false, jsonTo: 1 });
  const input = openInput(file);
  try {
    const arena = new Arena(arenaMemory(CACHE_BYTES + SESSION_OVERHEAD_BYTES));
    const port = await openPort(arena, flags, reporter);
    try {
      return await run({ arena, port, input, reporter, flags });
    } finally {
      port.close();
    }
  } finally {
    input.close();
  }
}

interface Cast {
  readonly arena: Arena;
  readonly port: DatagramPort;
  readonly input: CastInput;
  readonly reporter: TerminalReporter;
  readonly flags: CastFlags;
}

async function run({ arena, port, input, reporter, flags }: Cast): Promise<ExitCode> {
  const sid = randomBytes(8).readBigUInt64LE();
  const sender = createSender({
    arena,
    kernel: createFecKernel(arena.memory, { scratch: arena.region(FEC_SCRATCH_BYTES) }),
    tagger: createTagger(arena.memory, castKey()),
    random: seededRandom(randomBytes(4).readUInt32LE()),
    sid,
    kind: "cast",
    imageId: new Uint8Array(32),
    group: { address: flags.group, port: flags.port },
    feedbackPort: port.local.port,
    symbolBytes: SYMBOL_BYTES,
    recordBytesMax: CAST_RECORD_BYTES_MAX,
    chunkCount: input.chunkCount,
    cacheBytes: CACHE_BYTES,
    rateCap: flags.rate,
    start: startRule(flags),
    admission: { by: "sender", secret: randomBytes(16) },
  });
  const tally = new CastTally(reporter, () => performance.now());
  let fault: unknown;
  const source: ChunkSource = {
    async read(chunk, into) {
      try {
        return await input.read(chunk, into);
      } catch (thrown) {
        fault ??= thrown;
        throw thrown;
      }
    },
  };
  let stopped = false;
  const end = await stoppable(SECOND_SIGNAL, (signal) =>
    runSender({
      sender,
      port,
      arena,
      source,
      stopReason: () => {
        checkReach(port.counters, flags.group);
        stopped = signal.aborted;
        return stopped ? "interrupted by the operator" : undefined;
      },
      onEvent: (event) => {
        tally.take(event);
      },
      onProgress: () => {
        reporter.progress(castProgress(sender, input.sizeBytes));
      },
    }),
  );
  const exitCode = tally.finish(end, sender, {
    ...{ counters: port.counters, sizeBytes: input.sizeBytes, sid, stopped },
  });
  if (fault === undefined) return exitCode;
  throw endOfBegunWork(fault, {
    state: "no receiver has got it all",
    cure: "The receivers keep nothing of it: cast it again",
  });
}

/** @throws {@link SituationError} `no_route` if the system has refused whatever we sent. */
function checkReach({ sent, refused }: DatagramPort["counters"], group: string): void {
  if (sent > 0 || refused < REFUSED_MIN) return;
  throw new SituationError(
    "no_route",
    `Cannot cast to ${group}: the system refused all ${refused} datagrams, a route wanted`,
    {
      cure:
        "Name the network with --interface, and check that it is up; or add a route: ip route " +
        `add ${group}/32 dev NAME.`,
    },
  );
}

/** A missing route or interface refuses every datagram; a full buffer may lose one. */
const REFUSED_MIN = 3;

async function openPort(
  arena: Arena,
  flags: CastFlags,
  reporter: TerminalReporter,
): Promise<DatagramPort> {
  const options = { arena, place: flags, shared: false };
  try {
    return await openCastPort({ ...options, port: flags.port + 1 }, reporter);
  } catch (error) {
    if (codeOf(error) !== "EADDRINUSE") throw castPortFailure(error);
    // Another cast on this host uses that port; any other will do, because receivers are told it.
    return await openCastPort({ ...options, port: 0 }, reporter);
  }
}

function openInput(file: string): CastInput {
  try {
    return openCastInput(file);
  } catch (error) {
    throw openFailure("no_input", error, 'Name a readable file or disk, or "-".');
  }
}

function startRule(flags: CastFlags): StartRule {
  const { minReceivers, wait, maxWait } = flags;
  return {
    membersMin: minReceivers ?? 1,
    membersMax: MEMBERS_MAX,
    waitMinMs: wait ?? (minReceivers === undefined ? WAIT_DEFAULT_MS : 0),
    waitMaxMs: maxWait ?? Infinity,
  };
}
