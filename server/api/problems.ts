/**
 * Problems: whatever error a route throws, both APIs answer it with a problem+json body.
 *
 * The HTTP status follows from the error's code, here and nowhere else. An error without a code of
 * ours is our bug: it is logged, and the client gets no details of it.
 */
import type { FastifyInstance, FastifyReply } from "fastify";
import * as z from "zod";
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
    if (problem.status >= 500 && !isDeparture) failed(thrown);
    await send(reply, problem);
  });
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

function statusOf(thrown: unknown): Problem {
  if (thrown instanceof SituationError) {
    return { ...problemOf(thrown), status: STATUSES[thrown.code] ?? 409 };
  }
  if (thrown instanceof FormatError && thrown.code !== "bad_request") {
    return { ...problemOf(thrown), status: 422, exitCode: ExitCode.someNodeNotRight };
  }
  if (thrown instanceof HuckError) return problemOf(thrown);
  return foreign(thrown);
}

/** Errors of fastify have a status and a code like FST_ERR_CTP_BODY_TOO_LARGE. */
function foreign(thrown: unknown): Problem {
  const code = codeOf(thrown) ?? "";
  const status = Status.safeParse(thrown);
  if (code.startsWith("FST_ERR_") && status.success) {
    const name = code.slice("FST_ERR_".length).toLowerCase();
    return { ...problemOf(thrown), code: name, status: status.data.statusCode };
  }
  return {
    ...problemOf(thrown),
    detail: "Cannot answer: the server met an error of its own; its log has it",
  };
}

/** Codes of the errors with which Node.js tells that the other end has closed the connection. */
const DEPARTURES: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "EPIPE",
  "ERR_STREAM_PREMATURE_CLOSE",
]);

const Status = z.object({ statusCode: z.number().int().min(400).max(499) });

async function send(reply: FastifyReply, problem: Problem): Promise<void> {
  await reply.status(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}
