/**
 * Follows a job to its end: reads its events, shows them, listens for Ctrl-C, gives the exit code.
 *
 * The events are shown in one of three ways. A terminal gets bars, redrawn in place at most ten
 * times a second; a pipe gets one line per event; `--json` prints the events themselves and a
 * summary. The first Ctrl-C aborts the job and waits for its end; the second quits at once and says
 * whether the abort has reached the server. If the
 * reader of our output is gone, the verb ends and the job goes on, with an outcome that is unknown.
 */
import { ExitCode, SituationError, codeOf, messageOf } from "../../../shared/core/errors.ts";
import type { Event } from "../../../shared/control/event.ts";
import type { JobCreated } from "../../../shared/control/operator-api.ts";
import { JobStatus, OperatorRoute } from "../../../shared/control/operator-api.ts";
import { stderr, stdout } from "../terminal.io.ts";
import { Board } from "./board.ts";
import type { OperatorLine } from "./operator-line.io.ts";
import { drawBoard, eventLine, okText, jobPrefix, verdictLinesOf } from "./text.ts";

/** The job to follow, and how to show it. */
export interface Followed {
  readonly line: Pick<OperatorLine, "delete" | "events" | "get">;
  readonly created: JobCreated;
  /** First line of the screen. */
  readonly title: string;
  /** Name of the image, for the summary. */
  readonly image: string;
  readonly json: boolean;
}

/**
 * Follows a job.
 *
 * @returns The exit code (CONTROL.md section 2).
 * @throws {@link SituationError} `server_unreachable` if the stream cannot be opened again,
 *   `no_end` if it ends again and again without the end of the job.
 */
export async function followJob(followed: Followed): Promise<ExitCode> {
  const board = new Board(followed.created.nodes, followed.created.after);
  const face = faceOf(followed, board);
  const stop = listenForInterrupts(followed, face);
  face.open();
  try {
    await readEvents(followed, board, face);
  } finally {
    stop();
    face.close();
  }
  return exitCodeOf(board);
}

/** One of the ways to show a job. */
interface Face {
  open(): void;
  event(event: Event): void;
  /** Shows a text that is not an event. */
  say(text: string): void;
  close(): void;
}

/** Opens the stream again, after a pause if it brought nothing new, but only so many times. */
async function readEvents(followed: Followed, board: Board, face: Face): Promise<void> {
  let faults = 0;
  let empty = 0;
  for (;;) {
    const before = board.seq;
    const fault = await readOnce(followed, board, face);
    if (board.end !== undefined) return;
    if (board.seq !== before) {
      faults = 0;
      empty = 0;
    }
    if (fault !== undefined) {
      if (faults >= RECONNECTS_MAX) throw fault;
      if (faults === 0) face.say("the server's events broke off; asking again");
      faults += 1;
    } else if (board.seq === before) {
      if (empty >= EMPTY_STREAMS_MAX) throw await noEnd(followed);
      empty += 1;
    } else continue; // we read too slowly for the server: the rest is there at once
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_EVERY_MS));
  }
}

/** Asks for the job's state once, for the message. */
async function noEnd({ line, created }: Followed): Promise<SituationError> {
  const { state } = await line.get(`${OperatorRoute.jobs}/${created.job}`, JobStatus);
  return new SituationError(
    "no_end",
    `Cannot follow job ${created.job}: its events end without its end, the server says it ` +
      (state === "running" ? "goes on" : `has ${state === "ended" ? "ended" : "been aborted"}`),
    {
      cure: `\`huck job show ${created.job}\` tells how each node stands.`,
      exitCode: ExitCode.unknown,
    },
  );
}

/** Reads one stream to its end; gives the error if the server could not be reached. */
async function readOnce(
  { line, created }: Followed,
  board: Board,
  face: Face,
): Promise<SituationError | undefined> {
  try {
    for await (const event of line.events(created.job, board.seq)) {
      if (board.take(event)) face.event(event);
    }
    return undefined;
  } catch (thrown) {
    if (thrown instanceof SituationError && thrown.code === "server_unreachable") return thrown;
    throw thrown;
  }
}

function exitCodeOf(board: Board): ExitCode {
  if (board.end?.aborted === true) return ExitCode.aborted;
  return board.okCount === board.rows.length ? ExitCode.ok : ExitCode.someNodeNotRight;
}

function listenForInterrupts({ line, created }: Followed, face: Face): () => void {
  let asked = false;
  let reached = false;
  const quit = (words: string, exitCode: ExitCode): never => {
    face.close();
    stderr.print(`huck: ${words}; \`huck job show ${created.job}\` tells how each node stands`);
    process.exit(exitCode);
  };
  const quitUnread = (): void => {
    if (asked) return;
    stderr.print(`huck: nobody reads any longer; job ${created.job} goes on`);
    process.exit(ExitCode.unknown);
  };
  const outputFailed = (thrown: unknown): void => {
    // Ctrl-C ends the reader of a pipe too, perhaps before us: then wait for the abort, unread.
    if (codeOf(thrown) === "EPIPE") setTimeout(quitUnread, INTERRUPT_WITHIN_MS).unref();
  };
  const interrupt = (): void => {
    if (asked && reached) quit(`job ${created.job} is aborting without us`, ExitCode.aborted);
    if (asked) quit("whether the abort reached the server is not known", ExitCode.unknown);
    asked = true;
    face.say("aborting: nodes stop at the next safe point; once more to quit without waiting");
    line.delete(`${OperatorRoute.jobs}/${created.job}`).then(
      () => {
        reached = true;
      },
      (thrown: unknown) => {
        if (thrown instanceof SituationError && thrown.code === "abort_unkept") {
          reached = true;
          face.say(`${thrown.message}. ${thrown.cure}`);
          return;
        }
        face.say(`the abort did not reach the server: ${messageOf(thrown)}`);
        asked = false; // the next Ctrl-C tries again
      },
    );
  };
  // A terminal that is gone is no wish to stop: nodes may be in the middle of their disks.
  const hangUp = (): void => {
    quit(`the terminal is gone, and job ${created.job} goes on`, ExitCode.unknown);
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  process.on("SIGHUP", hangUp);
  process.stdout.on("error", outputFailed);
  return () => {
    process.stdout.off("error", outputFailed);
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
    process.off("SIGHUP", hangUp);
  };
}

function faceOf(followed: Followed, board: Board): Face {
  if (followed.json) return jsonFace(followed, board);
  return stdout.isLive ? new Screen(followed, board) : pipeFace(followed, board);
}

function jsonFace({ created, image }: Followed, board: Board): Face {
  return {
    open: () => undefined,
    event: (event) => {
      stdout.printJson(event);
    },
    say: (text) => {
      stderr.print(text);
    },
    close: () => {
      if (board.end === undefined) return;
      stdout.printJson({
        kind: "summary",
        job: created.job,
        image,
        ...board.end,
        exitCode: exitCodeOf(board),
        nodes: board.rows.map(({ node, verdict }) => ({ node, verdict: verdict ?? null })),
      });
    },
  };
}

function pipeFace({ title, created }: Followed, board: Board): Face {
  const put = (text: string): void => {
    stdout.print(text);
  };
  return {
    open: () => {
      put(`${title}, job ${created.job}`);
    },
    event: (event) => {
      const text = eventLine(event);
      if (text !== undefined && event.kind !== "end") put(text);
    },
    say: put,
    close: () => {
      for (const text of summaryLines(board)) put(text);
    },
  };
}

/** The last lines for every job: the bad nodes with reason and cure, then the count. */
function summaryLines(board: Board): string[] {
  if (board.end === undefined) return ["The job goes on; its end was not seen."];
  return [
    ...verdictLinesOf(board.rows),
    `${okText(board.okCount, board.rows.length)}${board.end.aborted ? ", aborted" : ""}`,
  ];
}

/** Bars, redrawn in place. */
class Screen implements Face {
  readonly #title: string;
  readonly #board: Board;
  #dirty = true;
  #timer: NodeJS.Timeout | undefined;

  constructor({ title, created }: Followed, board: Board) {
    this.#title = `${title}, job ${jobPrefix(created.job)}`;
    this.#board = board;
  }

  open(): void {
    this.#timer = setInterval(() => {
      if (this.#dirty) this.#draw();
    }, REDRAW_EVERY_MS);
    this.#draw();
  }

  event(event: Event): void {
    this.#dirty = true;
    if (event.kind === "note") this.say(eventLine(event) ?? "");
  }

  say(text: string): void {
    stdout.print(text);
    this.#draw();
  }

  close(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#draw();
    stdout.keep();
    for (const text of summaryLines(this.#board)) stdout.print(text);
  }

  #draw(): void {
    stdout.live(drawBoard(this.#title, this.#board, stdout.room));
    this.#dirty = false;
  }
}

/** A signal to the whole pipeline reaches us within this time after its reader has ended. */
const INTERRUPT_WITHIN_MS = 100;
/** Ten times a second. */
const REDRAW_EVERY_MS = 100;
/** Pause between two tries to open the stream. */
const RECONNECT_EVERY_MS = 1000;
/** A server that restarts is back within a minute. */
const RECONNECTS_MAX = 60;
/** A server that answers this often without anything new has lost the end of the job. */
const EMPTY_STREAMS_MAX = 10;
