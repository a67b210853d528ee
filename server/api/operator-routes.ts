/**
 * The routes of the operator API (shared/control/operator-api.ts), on the unix socket only.
 *
 * As in node-routes.ts, a route decides nothing. Power and ping are looked up only when an operator
 * asks for them, never in the background.
 */
import type { FastifyInstance } from "fastify";
import * as z from "zod";
import {
  LoadRequest,
  OperatorRoute,
  ReloadRequest,
  SaveRequest,
  TokenRequest,
} from "../../shared/control/operator-api.ts";
import type {
  BootReport,
  ImageList,
  JobList,
  NodeList,
  NodeToken,
  ReloadReply,
  ServerStatus,
} from "../../shared/control/operator-api.ts";
import { IdStart, ImageName } from "../../shared/control/names.ts";
import type { ImageStore } from "../../shared/image/store.ts";
import { findImage, withNearName } from "../jobs/plan.ts";
import type { Lab } from "../jobs/lab.ts";
import { eventStream } from "./event-stream.ts";
import { wholeNumber, parsed } from "./parse-request.ts";
import { BY_OPERATOR } from "./request-principal.ts";
import type { NodeProber } from "./node-prober.ts";

export interface OperatorRouteParts {
  readonly lab: Lab;
  readonly images: ImageStore;
  readonly prober: NodeProber;
  readonly status: ServerStatus;
  /** What the boot services did. */
  readonly boot: () => BootReport;
  /** Reads huck.yaml again. Rejects if it is refused; then nothing has changed. */
  readonly reload: () => Promise<ReloadReply>;
  /** What a receiver that is started by hand needs besides its token. */
  readonly grant: { readonly serverUrl: string; readonly serverKey: string };
  /** Milliseconds since 1970, on a clock that never goes back. */
  readonly now: () => number;
}

/** Adds the routes to a fastify instance on the unix socket, before it listens. */
export function addOperatorRoutes(app: FastifyInstance, parts: OperatorRouteParts): void {
  const { lab, images, now } = parts;
  app.get(OperatorRoute.server, BY_OPERATOR, (): ServerStatus => parts.status);
  app.get(OperatorRoute.boot, BY_OPERATOR, (): BootReport => parts.boot());
  app.post(OperatorRoute.reload, BY_OPERATOR, async (request): Promise<ReloadReply> => {
    parsed(ReloadRequest, request.body ?? {});
    return await parts.reload();
  });
  app.get(OperatorRoute.nodes, BY_OPERATOR, async (request): Promise<NodeList> => {
    const { ping } = parsed(NodesQuery, request.query);
    const nodes = lab.nodes();
    return { nodes: ping === "1" ? await parts.prober.probe(nodes) : nodes };
  });
  app.post(OperatorRoute.tokens, BY_OPERATOR, (request): NodeToken => {
    const { node } = parsed(TokenRequest, request.body);
    const minted = lab.mintFor(node, now());
    return { node, ...minted, ...parts.grant };
  });
  app.get(OperatorRoute.images, BY_OPERATOR, async (): Promise<ImageList> => {
    const { images: list, torn } = await images.list();
    return { images: list.slice(0, IMAGES_MAX), torn: torn.slice(0, TORN_MAX) };
  });
  app.delete(`${OperatorRoute.images}/:name`, BY_OPERATOR, async (request, reply) => {
    const { name } = parsed(ImagePath, request.params);
    lab.refuseTrash(name);
    try {
      await images.trash(name);
    } catch (error) {
      throw await withNearName(error, images, name);
    }
    await reply.status(204).send();
  });
  app.post(OperatorRoute.loads, BY_OPERATOR, async (request, reply) => {
    const load = parsed(LoadRequest, request.body);
    const image = await findImage(images, load.image);
    const begun = lab.beginLoad(load, image, request.principal, now());
    request.about = `job ${begun.job}`;
    await reply.status(201).send(begun);
  });
  app.post(OperatorRoute.saves, BY_OPERATOR, async (request, reply) => {
    const save = parsed(SaveRequest, request.body);
    const taken = await images.has(save.name);
    const begun = lab.beginSave(save, taken, request.principal, now());
    request.about = `job ${begun.job}`;
    await reply.status(201).send(begun);
  });
  addJobRoutes(app, parts);
}

function addJobRoutes(app: FastifyInstance, { lab, now }: OperatorRouteParts): void {
  app.get(OperatorRoute.jobs, BY_OPERATOR, (): JobList => ({ jobs: lab.jobs() }));
  app.get(`${OperatorRoute.jobs}/:id`, BY_OPERATOR, (request) => {
    return lab.jobStatus(parsed(JobPath, request.params).id);
  });
  app.get(`${OperatorRoute.jobs}/:id/events`, BY_OPERATOR, async (request, reply) => {
    const id = lab.jobId(parsed(JobPath, request.params).id);
    const { after } = parsed(EventsQuery, request.query);
    const stream = eventStream(lab.log, id, after, lab.jobIsOver(id));
    await reply.type("application/x-ndjson").send(stream);
  });
  app.delete(`${OperatorRoute.jobs}/:id`, BY_OPERATOR, async (request, reply) => {
    const id = lab.jobId(parsed(JobPath, request.params).id);
    lab.abort(id, now(), request.principal);
    request.about = `job ${id}`;
    await reply.status(202).send();
  });
}

/** Most rows of a listing (`ImageList`). */
const IMAGES_MAX = 65_536;
const TORN_MAX = 1000;
const NodesQuery = z.strictObject({ ping: z.enum(["0", "1"]).default("0") });
const EventsQuery = z.strictObject({ after: wholeNumber(Number.MAX_SAFE_INTEGER).default(0) });
const JobPath = z.strictObject({ id: IdStart });
const ImagePath = z.strictObject({ name: ImageName });
