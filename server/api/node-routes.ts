/**
 * The routes of the node API (shared/control/node-api.ts).
 *
 * A route parses the request, calls the node desk and answers; it decides nothing. No route takes a
 * path or file name: nodes ask for image bytes by token and chunk number only.
 */
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import {
  ArmRequest,
  JoinRequest,
  NodeRoute,
  SessionRequest,
  StatusReport,
  VerdictReport,
} from "../../shared/control/node-api.ts";
import type { CaptureReply } from "../../shared/control/node-api.ts";
import { Id128 } from "../../shared/control/names.ts";
import { ArrivingImage } from "../../shared/image/arriving-image.ts";
import type { ImageDraft, ImageStore } from "../../shared/image/store.ts";
import type { ImageSummary } from "../../shared/image/summary.ts";
import { problemOf } from "../../shared/control/problem.ts";
import { HuckError, SituationError } from "../../shared/core/errors.ts";
import { KeyedBuckets, TokenBucket } from "../../shared/core/token-bucket.ts";
import type { Refusal } from "../jobs/findings.ts";
import type { NodeDesk, Visitor } from "../jobs/node-desk.ts";
import { wholeNumber, parsed } from "./parse-request.ts";
import { BY_NODE, BY_NODE_TOLD } from "./request-principal.ts";

export interface NodeRouteParts {
  readonly desk: NodeDesk;
  readonly images: ImageStore;
  /** Milliseconds since 1970, on a clock that never goes back. */
  readonly now: () => number;
}

/**
 * Adds the routes to a fastify instance of the lab network, before it listens.
 *
 * @param unhurried - Called with an upload that was let in: its order's deadline
 *   bounds it from then on.
 * @param hold - Calls its argument after a while. An address that asks too often waits that long
 *   for its refusal, so that a flood is as slow as its connections.
 */
export function addNodeRoutes(
  app: FastifyInstance,
  parts: NodeRouteParts,
  unhurried: (upload: FastifyRequest) => void,
  hold: (then: () => void) => void,
): void {
  const { desk, now } = parts;
  const visitor = (request: FastifyRequest): Visitor => {
    const known = desk.visitor(bearerOf(request), now());
    request.principal = { kind: "node", node: known.node };
    return known;
  };

  addJoinRoute(app, parts, hold);
  app.post(NodeRoute.session, BY_NODE, (request) =>
    desk.session(visitor(request), parsed(SessionRequest, request.body).order, now()),
  );
  app.post(NodeRoute.arm, BY_NODE_TOLD, (request) =>
    desk.arm(visitor(request), parsed(ArmRequest, request.body), now()),
  );
  app.post(NodeRoute.status, BY_NODE, (request) =>
    desk.report(visitor(request), parsed(StatusReport, request.body), now()),
  );
  app.post(NodeRoute.verdict, BY_NODE_TOLD, (request) => {
    const speaker = visitor(request);
    const report = parsed(VerdictReport, request.body);
    request.about = report.verdict.code;
    return desk.verdict(speaker, report, now());
  });
  addImageRoutes(app, parts, visitor);
  addCaptureRoute(app, parts, (request) => {
    const known = visitor(request);
    unhurried(request);
    return known;
  });
}

/**
 * Joins are limited twice. Each address has a limit of its own, which is asked before a byte of the
 * body is read: so a flood costs the one who floods. All nodes together have another one, so that a
 * room that is switched on is let in bit by bit; only nodes with a token use it up.
 */
function addJoinRoute(
  app: FastifyInstance,
  { desk, now }: NodeRouteParts,
  hold: (then: () => void) => void,
): void {
  const all = new TokenBucket(JOINS_PER_SECOND, JOINS_BURST, now());
  const byAddress = new KeyedBuckets(ASKED_PER_SECOND, JOINS_BURST, ADDRESSES_MAX);
  const onRequest = (
    request: FastifyRequest,
    _reply: unknown,
    done: (error?: Error) => void,
  ): void => {
    if (byAddress.take(request.ip, now())) {
      done();
      return;
    }
    hold(() => {
      done(tooManyJoins());
    });
  };
  app.post(NodeRoute.join, { ...BY_NODE_TOLD, onRequest }, (request) => {
    if (!all.take(now())) throw tooManyJoins();
    try {
      const reply = desk.join(parsed(JoinRequest, request.body), now());
      request.principal = { kind: "node", node: reply.node };
      return reply;
    } catch (thrown) {
      all.giveBack();
      throw thrown;
    }
  });
}

type VisitorOf = (request: FastifyRequest) => Visitor;

function addImageRoutes(app: FastifyInstance, parts: NodeRouteParts, visitor: VisitorOf): void {
  app.get(NodeRoute.manifest, BY_NODE, async (request, reply) => {
    const image = await parts.images.open(parts.desk.imageOf(visitor(request)));
    const { bytes, length } = image.tail(); // it holds the file until the last byte went out
    image.close();
    const body = Readable.from(bytes, { objectMode: false });
    await reply.type(BYTES).header("content-length", length).send(body);
  });
  app.get(`${NodeRoute.chunk}/:index`, BY_NODE, async (request, reply) => {
    const reference = parts.desk.imageOf(visitor(request));
    const { index } = parsed(ChunkPath, request.params);
    const image = await parts.images.open(reference);
    try {
      await reply.type(BYTES).send(await image.record(index));
    } finally {
      image.close();
    }
  });
}

function addCaptureRoute(app: FastifyInstance, parts: NodeRouteParts, visitor: VisitorOf): void {
  app.addContentTypeParser(BYTES, (_request, payload, done) => {
    done(null, payload);
  });
  app.put(NodeRoute.capture, BY_NODE_TOLD, async (request, reply) => {
    const summary = await takeCapture(parts, visitor(request), request);
    const stored: CaptureReply = { name: summary.name, id: summary.id };
    await reply.status(201).send(stored);
  });
}

/** Streams an upload into a draft. However it ends, no half image is left behind. */
async function takeCapture(
  parts: NodeRouteParts,
  visitor: Visitor,
  request: FastifyRequest,
): Promise<ImageSummary> {
  const { desk, images, now } = parts;
  const capture = desk.beginCapture(visitor, () => request.raw.destroy());
  const { name, diskBytes, order, upload } = capture;
  let draft: ImageDraft | undefined;
  try {
    draft = await images.draft(name);
    const arriving = new ArrivingImage(diskBytes);
    for await (const piece of request.body as AsyncIterable<Buffer>) {
      if (!desk.captureGoesOn(capture, now())) throw captureOver();
      arriving.push(piece);
      await draft.append(piece);
    }
    if (!desk.captureGoesOn(capture, now())) throw captureOver();
    upload.complete();
    // The check of the image takes longer than the silence that we allow during the upload.
    request.raw.socket.setTimeout(0);
    const summary = await draft.commit();
    desk.endCapture(order, summary.id, now());
    return summary;
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal !== undefined) desk.refuseCapture(capture, refusal, now());
    throw error;
  } finally {
    upload.end();
    await draft?.abort();
  }
}

/** @returns Undefined if the node itself has broken off, or its order is over. */
function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof HuckError) || error.code === ORDER_OVER) return undefined;
  const { detail, cure } = problemOf(error);
  return { reason: detail, cure };
}

function bearerOf(request: FastifyRequest): string {
  const match = /^Bearer ([0-9a-f]{32})$/.exec(request.headers.authorization ?? "");
  const token = Id128.safeParse(match?.[1]);
  if (token.success) return token.data;
  throw new SituationError(
    "bad_token",
    "Cannot accept the token: 32 hexadecimal digits wanted, none were sent",
    {
      cure: "Boot the node again; each boot script carries a fresh token.",
    },
  );
}

function tooManyJoins(): SituationError {
  return new SituationError(
    "too_many_joins",
    "Cannot let the node join now: too many join at once",
    {
      cure: "The receiver asks again by itself.",
    },
  );
}

function captureOver(): SituationError {
  return new SituationError(
    ORDER_OVER,
    "Cannot take the image: its order has ended, or begins anew",
    {
      cure: "Save the node again.",
    },
  );
}

const ORDER_OVER = "order_over";
const BYTES = "application/octet-stream";
const ChunkPath = z.strictObject({ index: wholeNumber((1 << 24) - 1) });
/** Joins per second, and the most at once. */
const JOINS_PER_SECOND = 20;
const JOINS_BURST = 60;
/** Requests to join that one address may make per second: a receiver makes one. */
const ASKED_PER_SECOND = 10;
/** Most addresses whose rate is remembered. */
const ADDRESSES_MAX = 8192;
