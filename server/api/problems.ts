/**
 * Problems: whatever error a route throws, both APIs answer it with a problem+json body, and so
 * they answer what never comes to a route: a path that cannot be decoded, bytes that are no HTTP.
 *
 * The HTTP status follows from the error's code, here and nowhere else. Errors of the framework get
 * a code, message and cure of ours. Any other error without a code of ours is our bug: it is
 * logged, and the client gets no details of it.
 */
import type { FastifyInstance, FastifyReply, FastifyHttpOptions, RawServerDefault } from "fastify";
import { problemOf } from "../../shared/control/problem.ts";
import type { Problem } from "../../shared/control/problem.ts";
import {
  ExitCode,
  FormatError,
  HuckError,
  SituationError,
  codeOf,
} from "../../shared/core/errors.ts";
import { OLDER_CURE } from "./parse-request.ts";

/** Media type of all answers with status 400 or above (RFC 9457). */
const PROBLEM_TYPE = "application/problem+json";

/** Status by code of a SituationError; all others have 409. */
const STATUSES: Readonly<Record<string, number>> = {
  server_older: 400,
  bad_token: 401,
  forbidden_uid: 403,
  unknown_node: 404,
  no_such_image: 404,
  no_such_job: 404,
  no_such_chunk: 404,
  too_long: 413,
  too_many_joins: 429,
  image_unproven: 429,
  journal_unwritable: 429,
  server_stops: 503,
};

/**
 * Options of an instance whose every answer shall be a problem: without them fastify and Node.js
 * answer in words of their own what they refuse before any route or hook runs.
 */
export const PROBLEM_OPTIONS: Pick<
  FastifyHttpOptions<RawServerDefault>,
  "frameworkErrors" | "clientErrorHandler" | "http" | "return503OnClosing"
> = {
  frameworkErrors: (thrown, _request, reply) => {
    void send(reply, foreign(thrown));
  },
  clientErrorHandler: (thrown, socket) => {
    if (socket.writable && thrown.code !== "ECONNRESET") {
      const problem = UNREADABLE[thrown.code] ?? NOT_HTTP;
      socket.write(rawAnswer(problem));
    }
    socket.destroy();
  },
  http: { requireHostHeader: false }, // Node.js would refuse a request without one, without a word
  return503OnClosing: false, // refuseWhileClosing does it
};

/**
 * Makes all routes of an instance answer errors as problems. Call it before the instance listens.
 *
 * @param failed - Gets the errors that are our own bugs; must not throw.
 */
export function answerProblems(app: FastifyInstance, failed: (thrown: unknown) => void): void {
  app.setErrorHandler(async (thrown, request, reply) => {
    const problem = statusOf(thrown);
    // A client that goes in the middle of its request is no fault of ours and nothing to look into.
    const isGone = request.raw.destroyed || request.raw.socket.destroyed;
    const isDeparture = isGone && DEPARTURES.has(codeOf(thrown) ?? "");
    request.about = isDeparture ? "departed" : problem.code;
    const isOurs = problem.status >= 500 && !(thrown instanceof SituationError);
    if (isOurs && !isDeparture) failed(thrown);
    await send(reply, problem);
  });
  refuseWhileClosing(app);
  app.setNotFoundHandler(async (request, reply) => {
    const detail = `Cannot answer ${request.method} of this path: no such route`;
    await send(reply, {
      code: "no_such_route",
      status: 404,
      detail,
      cure: OLDER_CURE,
      exitCode: ExitCode.refused,
    });
  });
}

function refuseWhileClosing(app: FastifyInstance): void {
  let closing = false;
  app.addHook("preClose", (done) => {
    closing = true;
    done();
  });
  app.addHook("onRequest", (_request, _reply, done) => {
    done(closing ? serverStops() : undefined);
  });
}

function serverStops(): SituationError {
  return new SituationError("server_stops", "Cannot answer: the server is being stopped", {
    cure: "Ask again when it runs.",
    exitCode: ExitCode.unknown,
  });
}

function statusOf(thrown: unknown): Problem {
  if (thrown instanceof SituationError) {
    return { ...problemOf(thrown), status: STATUSES[thrown.code] ?? 409 };
  }
  if (thrown instanceof FormatError && thrown.code !== "bad_request") {
    const cure =
      "Make the image or message anew; `huck image verify` says what is wrong in a file.";
    return { ...problemOf(thrown), status: 422, cure, exitCode: ExitCode.someNodeNotRight };
  }
  if (thrown instanceof HuckError) return { ...problemOf(thrown), cure: ASK_RIGHT };
  return foreign(thrown);
}

const ASK_RIGHT = "Use the huck and the boot files of the server's version.";
const REFUSED = { cure: ASK_RIGHT, exitCode: ExitCode.refused };

/** What fastify refuses, by its code. Nothing was begun. */
const FRAMEWORK: Readonly<Record<string, Problem>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: "body_too_long",
    status: 413,
    detail: "Cannot read request: its body is longer than any message",
    ...REFUSED,
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: "bad_media_type",
    status: 415,
    detail: "Cannot read request: its body is of another media type, application/json wanted",
    ...REFUSED,
  },
  FST_ERR_BAD_URL: {
    code: "bad_path",
    status: 400,
    detail: "Cannot read request: its path is badly encoded",
    ...REFUSED,
  },
  FST_ERR_MAX_PARAM_LENGTH: {
    code: "bad_path",
    status: 414,
    detail: "Cannot read request: a part of its path is too long",
    ...REFUSED,
  },
};

const BAD_BODY: Problem = {
  code: "bad_request",
  status: 400,
  detail: "Cannot read request: its body is empty, cut off, or no JSON",
  ...REFUSED,
};

const NOT_HTTP: Problem = {
  code: "not_http",
  status: 400,
  detail: "Cannot read request: it is no HTTP/1.1",
  ...REFUSED,
};

/** What Node.js cannot read, by its code; anything else is {@link NOT_HTTP}. */
const UNREADABLE: Readonly<Record<string, Problem>> = {
  HPE_HEADER_OVERFLOW: {
    code: "headers_too_long",
    status: 431,
    detail: "Cannot read request: its headers are too long",
    ...REFUSED,
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: "too_slow",
    status: 408,
    detail: "Cannot read request: it did not come in time",
    ...REFUSED,
  },
};

/** Errors of fastify have a code like FST_ERR_CTP_BODY_TOO_LARGE, and a status below 500. */
function foreign(thrown: unknown): Problem {
  const known = FRAMEWORK[codeOf(thrown) ?? ""];
  if (known !== undefined) return known;
  if (isBadBody(thrown)) return BAD_BODY;
  return {
    ...problemOf(thrown),
    detail: "Cannot answer: the server met an error of its own; its log has it",
    cure: "Look into the log of `huck serve` and report what it says.",
  };
}

/** The framework's other errors with a status below 500 are about the body of a request. */
function isBadBody(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || !("statusCode" in thrown)) return false;
  const { statusCode } = thrown;
  return typeof statusCode === "number" && statusCode >= 400 && statusCode < 500;
}

/** Writes an answer for a connection whose request never became one. */
function rawAnswer(problem: Problem): string {
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} Refused`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/** Codes of the errors with which Node.js tells that the other end has closed the connection. */
const DEPARTURES: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "EPIPE",
  "ERR_STREAM_PREMATURE_CLOSE",
]);

async function send(reply: FastifyReply, problem: Problem): Promise<void> {
  await reply.status(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}
