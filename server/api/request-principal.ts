/**
 * Gives every request of both APIs a principal, and logs each request that changed something.
 *
 * A route declares which kind of principal it is for (`BY_OPERATOR`, `BY_NODE`). The code that
 * checks the peer's uid or the token sets `request.principal`. If a request succeeds and no code
 * has set it, that is our bug and is reported.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Principal } from "../../shared/control/principal.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks; "unknown" until the peer's uid or a token was checked. */
    principal: Principal;
    /** What the request led to, for the log: a job's id, or the code of a problem. */
    about: string;
  }
  interface FastifyContextConfig {
    /** The kind of principal that the route is for. */
    readonly principal?: "local" | "node";
    /** True if its successes are logged. Changes by operators are always logged. */
    readonly told?: boolean;
  }
}

/** A request that changed something, or was meant to. */
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
/** Options of a route of the node API that makes a lasting change. */
export const BY_NODE_TOLD = { config: { principal: "node", told: true } } as const;

/** Called after requests; must not throw. */
export interface PrincipalHooks {
  readonly acted: (act: Act) => void;
  /** A route succeeded without a principal, which is our bug. */
  readonly failed: (thrown: unknown) => void;
}

/** Watches all requests of an instance. Call it before routes are added. */
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

/** Without koffi the operator is unknown: the mode of the socket has let the request in. */
function fits(principal: Principal, wanted: "local" | "node" | undefined): boolean {
  return principal.kind === wanted || (wanted === "local" && principal.kind === "unknown");
}

function actOf({ principal, method, url, about }: FastifyRequest, status: number): Act {
  return { principal, what: `${method} ${url.slice(0, URL_MAX)}`, status, about };
}

/** The log keeps at most so many characters of a path from outside. */
const URL_MAX = 200;
