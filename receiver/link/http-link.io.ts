/**
 * ServerLink over HTTP: every wait is bounded, and answers are parsed by the shared schemas.
 *
 * Calls that matter are repeated while nobody answers (the server restarts, a cable is plugged in
 * again) and while the server answers that it is not ready yet. Any other answer is final.
 */
import { randomInt } from "node:crypto";
import { Agent, request as httpRequest } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import type * as z from "zod";
import {
  ArmReply,
  JoinReply,
  NodeRoute,
  SessionTerms,
  StatusReply,
} from "../../shared/control/node-api.ts";
import { Problem, situationOfProblem } from "../../shared/control/problem.ts";
import { foundText } from "../../shared/core/errno.ts";
import { ExitCode, FormatError, SituationError } from "../../shared/core/errors.ts";
import { jsonOf } from "../../shared/core/json.ts";
import { TAIL_BYTES_MAX } from "../../shared/image/limits.ts";
import type { CaptureUpload, ServerLink } from "./server-link.ts";

/**
 * A try ends when the server is silent for this long: from the moment the call has a socket until
 * the answer's head, and between two pieces of its body. Unit: milliseconds.
 */
const SILENCE_MS = 20_000;
/**
 * Longest time for the body of one answer. All nodes of a room fetch the tail of an image at once:
 * 200 nodes with 64 MiB each take two minutes at 1 Gbit/s, and 18 at 100 Mbit/s. Unit:
 * milliseconds.
 */
const BODY_TOTAL_MS = 30 * 60_000;
/**
 * A call that matters is repeated for this long while nobody answers; time in which a body arrives
 * does not count. Unit: milliseconds.
 */
const REPEAT_FOR_MS = 120_000;
/**
 * Time between repetitions, plus a random time up to as much again, because all nodes of a room ask
 * at once. Unit: milliseconds.
 */
const REPEAT_AFTER_MS = 1000;
/** The server runs but is not ready for this call: it is asked again. */
const STATUS_TOO_MANY = 429;
/**
 * A server that is not ready is asked for this long, because it may be digesting a whole image. No
 * call is repeated for longer. Unit: milliseconds.
 */
const CALL_FOR_MS = 4 * 3_600_000;
/** An upload is broken off if the server takes no bytes for this long. Unit: milliseconds. */
const ROOM_TIMEOUT_MS = 60_000;
/** The server checks a whole image before it answers a capture. Unit: milliseconds. */
const COMMIT_TIMEOUT_MS = 900_000;
/** JSON answers are small. Unit: bytes. */
const JSON_BYTES_MAX = 1 << 20;
/** A record is a chunk of at most 1 MiB with its header. Unit: bytes. */
const RECORD_BYTES_MAX = (1 << 20) + 4096;

interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  readonly bytesMax: number;
  /** How long the call is repeated while nobody answers. Unit: milliseconds. */
  readonly repeatForMs: number;
}

/**
 * Opens a link to the server. Nothing is sent yet.
 *
 * @param server - Base URL without a trailing slash.
 * @param token - Per-boot token.
 */
export function openServerLink(server: string, token: string): ServerLink {
  const http = new HttpCalls(server, token);
  const post = (path: string, body: unknown, repeatForMs = REPEAT_FOR_MS): Promise<Uint8Array> =>
    http.call({ method: "POST", path, body, bytesMax: JSON_BYTES_MAX, repeatForMs });
  const get = (path: string, bytesMax: number): Promise<Uint8Array> =>
    http.call({ method: "GET", path, bytesMax, repeatForMs: REPEAT_FOR_MS });
  return {
    join: async (request) => replyOf(JoinReply, await post(NodeRoute.join, request)),
    session: async (request) => replyOf(SessionTerms, await post(NodeRoute.session, request)),
    arm: async (request) => replyOf(ArmReply, await post(NodeRoute.arm, request)),
    status: async (report) => replyOf(StatusReply, await post(NodeRoute.status, report, 0)),
    verdict: async (report) => replyOf(StatusReply, await post(NodeRoute.verdict, report)),
    tail: () => get(NodeRoute.manifest, TAIL_BYTES_MAX),
    chunk: (index) => get(`${NodeRoute.chunk}/${index}`, RECORD_BYTES_MAX),
    capture: () => new HttpCapture(server, token),
  };
}

/** The server answered that it is not ready. */
class Unready extends Error {
  readonly situation: SituationError;

  constructor(situation: SituationError) {
    super(situation.message);
    this.situation = situation;
  }
}

/** A body that did not arrive in full. */
class BrokenBody extends Error {
  /** Time from the head of the answer to the last piece. Unit: milliseconds. */
  readonly arrivingMs: number;

  constructor(arrivingMs: number, cause: unknown) {
    super(foundText(cause), { cause });
    this.arrivingMs = arrivingMs;
  }
}

class HttpCalls {
  readonly #server: string;
  readonly #token: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(server: string, token: string) {
    this.#server = server;
    this.#token = token;
  }

  async call(call: Call): Promise<Uint8Array> {
    const latest = performance.now() + CALL_FOR_MS;
    let until = performance.now() + call.repeatForMs;
    for (;;) {
      try {
        return await this.#once(call);
      } catch (error) {
        if (error instanceof SituationError || error instanceof FormatError) throw error;
        if (error instanceof Unready) until = performance.now() + call.repeatForMs;
        if (error instanceof BrokenBody && call.repeatForMs > 0) until += error.arrivingMs;
        if (performance.now() + REPEAT_AFTER_MS > Math.min(until, latest)) {
          throw error instanceof Unready ? error.situation : unreachable(this.#server, error);
        }
      }
      const waitMs = REPEAT_AFTER_MS + randomInt(REPEAT_AFTER_MS);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  async #once(call: Call): Promise<Uint8Array> {
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const request = httpRequest(`${this.#server}${call.path}`, {
      method: call.method,
      agent: this.#agent,
      headers: {
        ...authorization(this.#token),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
    });
    request.end(body);
    const answer = await soonAnswerOf(request);
    const bytes = await bodyOf(answer, call.bytesMax);
    if ((answer.statusCode ?? 0) < 300) return bytes;
    const situation = situationOf(answer, bytes);
    throw answer.statusCode === STATUS_TOO_MANY ? new Unready(situation) : situation;
  }
}

class HttpCapture implements CaptureUpload {
  readonly #server: string;
  readonly #request: ClientRequest;
  readonly #answer: Promise<IncomingMessage>;
  /** True once the server has answered or the connection broke. */
  #settled = false;
  #wake: (() => void) | undefined;

  constructor(server: string, token: string) {
    this.#server = server;
    this.#request = httpRequest(`${server}${NodeRoute.capture}`, {
      method: "PUT",
      headers: { ...authorization(token), "content-type": "application/octet-stream" },
    });
    this.#answer = answerOf(this.#request);
    const settle = (): void => {
      this.#settled = true;
      this.#wake?.();
    };
    this.#answer.then(settle, settle); // append and commit look at the reason
    this.#request.on("drain", () => this.#wake?.());
  }

  async append(bytes: Uint8Array): Promise<void> {
    if (!this.#settled && !this.#request.write(Uint8Array.from(bytes))) await this.#moment();
    if (this.#settled) await this.#refused();
  }

  async commit(): Promise<void> {
    this.#request.setTimeout(COMMIT_TIMEOUT_MS, () => {
      this.#request.destroy(new Error(`no answer for ${COMMIT_TIMEOUT_MS / 1000} s`));
    });
    this.#request.end();
    try {
      const answer = await this.#answer;
      const bytes = await bodyOf(answer, JSON_BYTES_MAX);
      if ((answer.statusCode ?? 0) >= 300) throw situationOf(answer, bytes);
    } catch (error) {
      if (error instanceof SituationError) throw error;
      throw unreachable(this.#server, error);
    }
  }

  abort(): void {
    this.#request.destroy();
  }

  /** Resolves when there is room again or nothing more to send; one wait at a time. */
  #moment(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(unreachable(this.#server, new Error(`no room for ${ROOM_TIMEOUT_MS / 1000} s`)));
      }, ROOM_TIMEOUT_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Never resolves: throws the answer that the server gave before it had received everything. */
  async #refused(): Promise<never> {
    try {
      const answer = await this.#answer;
      throw situationOf(answer, await bodyOf(answer, JSON_BYTES_MAX));
    } catch (error) {
      if (error instanceof SituationError) throw error;
      throw unreachable(this.#server, error);
    }
  }
}

function authorization(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` };
}

async function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", reject);
  });
}

/** As {@link answerOf}, but the server may be silent only for {@link SILENCE_MS}. */
async function soonAnswerOf(request: ClientRequest): Promise<IncomingMessage> {
  let timer: NodeJS.Timeout | undefined;
  request.once("socket", () => {
    timer = setTimeout(() => request.destroy(silence()), SILENCE_MS);
  });
  try {
    return await answerOf(request);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws FormatError `too_big`; {@link BrokenBody} if it ends early, stalls or takes too long. */
async function bodyOf(answer: IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const began = performance.now();
  let heard = began;
  const timer = setTimeout(() => answer.destroy(silence()), SILENCE_MS);
  try {
    for await (const piece of answer as AsyncIterable<Uint8Array>) {
      timer.refresh();
      heard = performance.now();
      length += piece.byteLength;
      if (length > bytesMax) {
        throw new FormatError("too_big", `Cannot take an answer: over ${bytesMax} bytes`);
      }
      if (heard - began > BODY_TOTAL_MS) {
        throw new Error(`no whole answer in ${BODY_TOTAL_MS / 60_000} min`);
      }
      pieces.push(piece);
    }
  } catch (error) {
    throw error instanceof FormatError ? error : new BrokenBody(heard - began, error);
  } finally {
    clearTimeout(timer); // the loop has destroyed an answer that it left early
  }
  return Buffer.concat(pieces);
}

function silence(): Error {
  return new Error(`silent for ${SILENCE_MS / 1000} s`);
}

function replyOf<Schema extends z.ZodType>(schema: Schema, bytes: Uint8Array): z.infer<Schema> {
  const json = jsonIn(bytes);
  if (json === undefined) throw badAnswer("no JSON");
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw badAnswer(`${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`);
}

function badAnswer(found: string): FormatError {
  return new FormatError("bad_answer", `Cannot read the server's answer: ${found}`);
}

function jsonIn(bytes: Uint8Array): unknown {
  return jsonOf(Buffer.from(bytes).toString("utf8"));
}

function situationOf(answer: IncomingMessage, bytes: Uint8Array): SituationError {
  const status = answer.statusCode ?? 0;
  const problem = Problem.safeParse(jsonIn(bytes));
  if (problem.success) return situationOfProblem(problem.data);
  return new SituationError("server_refused", `Cannot go on: the server answered ${status}`, {
    cure: "Look into the server's log.",
  });
}

function unreachable(server: string, cause: unknown): SituationError {
  return new SituationError("server_unreachable", `Cannot reach "${server}": ${foundText(cause)}`, {
    cure: "Check that huck serve runs and the node's cable is in.",
    cause,
    exitCode: ExitCode.unknown,
  });
}
