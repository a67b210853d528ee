/**
 * The steps of a load on one node: choose the disk, scan it, prove that multicast arrives, wait for
 * the first chunk, arm, receive, verify, open the gate.
 *
 * Before `arm` nothing is written, and every check that can fail is made there. A node that waits
 * for others, or for a session that never begins, therefore keeps the system that it has. From
 * `arm` to `openGate` the disk does not boot. When `openGate` is done, as much as the order wants
 * was read back. Clocks, threads and sockets are behind interfaces.
 */
import { chooseDisk } from "../shared/control/disk-rule.ts";
import type { DiskDescription } from "../shared/control/disk-rule.ts";
import type { SessionTerms } from "../shared/control/node-api.ts";
import type { LoadOrder } from "../shared/control/order.ts";
import type { VerdictCode } from "../shared/control/verdict.ts";
import type { ImageFacts, ScanResult } from "./disk/disk-work.ts";
import { NodeFailure } from "./failure.ts";
import type { LoadReception, ReceptionOutcome } from "./link/load-reception.ts";
import type { Reporter } from "./link/reporter.ts";
import { stopFailure } from "./link/stoppable-link.ts";
import type { Stage } from "./stage.ts";

/** What the disk does not hold yet. */
type Lacking = Pick<ScanResult, "lacking" | "lackingBytes">;

/**
 * Sessions that a load tries to join: one may end just when the node joins, and another follows it.
 */
const SESSIONS_MAX = 3;

/** The verdict code of a success. */
export type SuccessCode = Extract<VerdictCode, "ok" | "ok_unchanged">;

/**
 * Loads an image.
 *
 * @param order - Its signature was checked by the caller.
 * @throws {@link NodeFailure} and SituationError with the reason of a failure.
 */
export async function load(order: LoadOrder, stage: Stage): Promise<SuccessCode> {
  const { reporter, disk } = stage;
  reporter.enter("planning");
  await disk.open(order, diskForOrder(order, stage.disks), "write");
  const image = await disk.useImage(await stage.link.tail());
  reporter.enter("scanning");
  const found = await disk.scan((done, total) => {
    reporter.progress(done, total);
  });
  if (found.lacking.length === 0) return "ok_unchanged";
  stopIfAsked(reporter);
  await checkTable(stage);
  reporter.enter("probing", `${found.found} disk, ${found.lackingBytes} bytes to receive`);
  const reception = await reachSession(order, stage, image, found);
  try {
    if ((await reception.due) === "chunk") {
      stopIfAsked(reporter);
      await arm(order, stage);
      reporter.enter("receiving");
      reception.release();
    }
    const outcome = await reception.ended;
    if (!outcome.ok) throw failureOf(outcome);
  } finally {
    reception.stop("the order is over");
  }
  await finish(order, stage);
  return "ok";
}

/**
 * Chooses the disk that an order names.
 *
 * @param disks - All disks of the node.
 * @throws {@link NodeFailure} `no_disk_matches`, `disk_ambiguous`, `disk_in_use`.
 */
export function diskForOrder(
  order: Pick<LoadOrder, "disk">,
  disks: readonly DiskDescription[],
): DiskDescription {
  const choice = chooseDisk(order.disk, disks);
  if (choice.ok) return choice.disk;
  throw new NodeFailure(choice.code, choice.reason, choice.cure);
}

/**
 * Joins a session and waits for the proof that it reaches this node. If a session ends just then,
 * with the last of its members, asks the server for the next one.
 *
 * @throws {@link NodeFailure} `multicast_unreachable`, `sender_lost` and others of the reception.
 */
async function reachSession(
  order: LoadOrder,
  stage: Stage,
  image: ImageFacts,
  found: Lacking,
): Promise<LoadReception> {
  let failure = unreachable("nothing");
  let before = "";
  for (let attempt = 1; attempt <= SESSIONS_MAX; attempt += 1) {
    const terms = await askSession(order, stage, image);
    if (terms.session === before) break;
    before = terms.session;
    const reception = startReception(terms, stage, image, found);
    stage.reporter.onStop((reason) => {
      reception.stop(reason);
    });
    const reach = await reception.reached;
    if (reach === "all") return reception;
    reception.stop("nothing of the session can be received");
    const outcome = await reception.ended;
    stopIfAsked(stage.reporter);
    if (reach !== "over") failure = unreachable(reach);
    else if (!outcome.ok) failure = failureOf(outcome);
    if (!["multicast_unreachable", "sender_lost"].includes(failure.verdict)) break;
  }
  throw failure;
}

async function askSession(
  order: LoadOrder,
  stage: Stage,
  image: ImageFacts,
): Promise<SessionTerms> {
  const terms = await stage.link.session({ order: order.id });
  if (terms.imageId !== order.image.id || terms.chunkCount !== image.chunkCount) {
    throw new NodeFailure(
      "image_damaged",
      `the session sends image ${terms.imageId}, the order names ${order.image.id}`,
      "Run the same command again; if it stays so, restart huck serve.",
    );
  }
  return terms;
}

function startReception(
  terms: SessionTerms,
  stage: Stage,
  image: ImageFacts,
  found: Lacking,
): LoadReception {
  const count = found.lacking.reduce((sum, { start, end }) => sum + end - start, 0);
  return stage.startReception({
    terms,
    image,
    lacking: found.lacking,
    deliver: (chunk, record) => stage.disk.deliver(chunk, record),
    fetch: (chunk) => fetchChunk(chunk, stage),
    progress: (doneChunks, loss) => {
      const share = count === 0 ? 1 : doneChunks / count;
      stage.reporter.progress(Math.round(share * found.lackingBytes), found.lackingBytes, loss);
    },
  });
}

/**
 * Fetches a chunk. Unicast does not lose or change bytes, so if the content is wrong, the server's
 * copy is damaged.
 */
async function fetchChunk(chunk: number, stage: Stage): Promise<"ok"> {
  const record = await stage.link.chunk(chunk);
  if ((await stage.disk.deliver(chunk, record)) === "ok") return "ok";
  throw new NodeFailure(
    "image_damaged",
    `chunk ${chunk} of the image is damaged on the server`,
    'Run "huck image verify" on the server, then run the same command again.',
  );
}

/** Fetches the chunks that show whether the partition table can be made to fit. */
async function checkTable(stage: Stage): Promise<void> {
  for (;;) {
    const chunk = await stage.disk.chunkToCheck();
    if (chunk === undefined) return;
    await fetchChunk(chunk, stage);
  }
}

async function arm(order: LoadOrder, stage: Stage): Promise<void> {
  const reply = await stage.link.arm({ order: order.id, disk: diskForOrder(order, stage.disks) });
  if (!reply.allowed) {
    const cure = "Look at the job's events for what came before, then give a new order.";
    throw new NodeFailure(reply.code, reply.reason, cure);
  }
  stage.reporter.enter("arming");
  stage.gate("closing");
  await stage.disk.closeGate();
}

function failureOf({ code, reason, cure }: Exclude<ReceptionOutcome, { ok: true }>): NodeFailure {
  return new NodeFailure(code, reason, cure);
}

async function finish(order: LoadOrder, stage: Stage): Promise<void> {
  const { reporter, disk } = stage;
  reporter.enter("flushing");
  await disk.flush();
  if (order.verify !== "flush") {
    reporter.enter("verifying");
    await disk.verify((done, total) => {
      reporter.progress(done, total);
    });
  }
  stopIfAsked(reporter);
  reporter.enter("opening");
  await disk.openGate();
  stage.gate("open");
}

function stopIfAsked(reporter: Reporter): void {
  const reason = reporter.stopReason;
  if (reason !== undefined) throw stopFailure(reason);
}

function unreachable(reach: "short only" | "nothing"): NodeFailure {
  if (reach === "short only") {
    return new NodeFailure(
      "multicast_unreachable",
      "short datagrams of the session arrived by multicast, none of full length",
      "Make the MTU of every link, VLAN and switch between server and node the same.",
    );
  }
  return new NodeFailure(
    "multicast_unreachable",
    "nothing of the session arrived by multicast, although the server answers by unicast",
    "Check IGMP snooping and its querier on the switches between server and node.",
  );
}
