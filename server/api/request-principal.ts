/**
 * Who asked, on every request of both APIs, and one line for the log of each that changed
 * something.
 *
 * A route declares whose it is (`BY_OPERATOR`, `BY_NODE`), and whoever checks the peer or the token
 * sets `request.principal`. A request that is answered well although nobody was found to have asked
 * is a fault of ours and is told.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Principal } from "../../shared/control/principal.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks; unknown until the peer's uid or a token was looked at. */
    principal: Principal;
    /** What the request came to, for the log: a job's id, or the code of a problem. */
    about: string;
  }
  interface FastifyContextConfig {
    /** Kind of principal that the route is for. */
    readonly principal?: "local" | "node";
    /** True when a good answer is told to the log; an operator's change always is. */
    readonly told?: boolean;
  }
}

/** A request that changed something, or was to. */
export interface Act {
  readonly principal: Principal;
  /** Method and path. */
  readonly what: string;
  /** HTTP status of the answer. */
  readonly status: number;
  readonly about: string;
}

/** Options of a route of the operator API. */
export const BY_OPERATOR = { config: { principal: "local" } } as const;
/** Options of a route of the node API. */
export const BY_NODE = { config: { principal: "node" } } as const;
/** Options of a route of the node API by which something changes for good. */
export const BY_NODE_TOLD = { config: { principal: "node", told: true } } as const;

/** What is told; must not throw. */
export interface PrincipalHooks {
  readonly acted: (act: Act) => void;
  /** A route answered well without a principal: our own fault. */
  readonly failed: (thrown: unknown) => void;
}

/**
 * Gives every request of an instance a principal.
 *
 * @param app - Before it listens, before routes are added.
 * @param hooks - See {@link PrincipalHooks}.
 */
export function watchPrincipals(app: FastifyInstance, hooks: PrincipalHooks): void {
  app.addHook("onRequest", (request, _reply, done) => {
    request.principal = { kind: "unknown" };
    request.about = "";
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const { principal: wanted, told } = request.routeOptions.config;
    const well = reply.statusCode < 400;
    if (well && !fits(request.principal, wanted)) {
      hooks.failed(
        new Error(`${request.method} ${request.routeOptions.url ?? ""} has no principal`),
      );
    }
    const ofOperator = wanted === "local" && request.method !== "GET";
    if (ofOperator || (told === true && well)) hooks.acted(actOf(request, reply.statusCode));
    done();
  });
}

/** Without koffi nobody can tell who sits at the unix socket; the socket's mode let it in. */
function fits(principal: Principal, wanted: "local" | "node" | undefined): boolean {
  return principal.kind === wanted || (wanted === "local" && principal.kind === "unknown");
}

function actOf({ principal, method, url, about }: FastifyRequest, status: number): Act {
  return { principal, what: `${method} ${url.slice(0, URL_MAX)}`, status, about };
}

/** Of a path that came from outside, the log keeps so much. */
const URL_MAX = 200;
