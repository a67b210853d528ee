/**
 * The two listeners: the operator API on a unix socket, the node API on the lab network.
 *
 * The kernel decides who may command the server (by folder mode, socket mode and the peer's uid)
 * before a byte is read. A node's token decides what the node may do. Neither listener serves
 * files.
 */
import { chmodSync, closeSync, constants, openSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import path from "node:path";
import { fastify } from "fastify";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { principalText } from "../../shared/control/principal.ts";
import type { Principal } from "../../shared/control/principal.ts";
import { foundText } from "../../shared/core/errno.ts";
import { SituationError, codeOf } from "../../shared/core/errors.ts";
import { lockFile } from "../../shared/linux/file-lock.io.ts";
import { makeFolder } from "../../shared/linux/make-folder.io.ts";
import { ConnectionGuard } from "../boot/http/connection-guard.io.ts";
import { addNodeRoutes } from "./node-routes.ts";
import type { NodeRouteParts } from "./node-routes.ts";
import { addOperatorRoutes } from "./operator-routes.ts";
import type { OperatorRouteParts } from "./operator-routes.ts";
import { localPrincipal, peerUidFinder } from "./peer.io.ts";
import { PROBLEM_OPTIONS, answerProblems } from "./problems.ts";
import { watchPrincipals } from "./request-principal.ts";
import type { PrincipalHooks } from "./request-principal.ts";

/** A running listener. */
export interface Listening {
  /** Where it listens: a path, or an address with a port. */
  readonly where: string;
  /** Why it is less strict than it could be; normally empty. */
  readonly notes: readonly string[];
  /** Closes the listener and all its connections. */
  close(): Promise<void>;
}

/** Called by a listener; must not throw. */
export interface ListenerHooks extends PrincipalHooks {
  /** A request was answered, so the lab may have changed. */
  readonly answered: () => void;
}

/**
 * Opens the operator API.
 *
 * @param socket - Path of the socket. Its folder is made if it is missing; other users can enter
 *   it only if `uids` names any.
 * @param uids - Users that are allowed beside root and our own.
 * @throws {@link SituationError} `server_runs` if another server listens there, `cannot_listen`.
 */
export async function listenForOperators(
  socket: string,
  uids: readonly number[],
  parts: OperatorRouteParts,
  hooks: ListenerHooks,
): Promise<Listening> {
  const app = newApp({ connectionTimeout: 0 }, hooks);
  const notes = [...guardUids(app, [0, process.getuid?.() ?? 0, ...uids])];
  addOperatorRoutes(app, parts);
  // If other uids are allowed, the modes let everyone connect and the uid check decides.
  const others = uids.length > 0;
  let release: (() => void) | undefined;
  try {
    makeFolder(path.dirname(socket), others ? 0o755 : 0o750);
    release = holdPath(socket);
    await removeStale(socket);
    await app.listen({ path: socket });
    chmodSync(socket, others ? 0o666 : 0o660);
    if (others && (statSync(path.dirname(socket)).mode & OTHERS_PASS) === 0) {
      const folder = path.dirname(socket);
      notes.push(`the users of server.uids may not pass the folder "${folder}": chmod o+x it`);
    }
  } catch (cause) {
    release?.();
    if (cause instanceof SituationError) throw cause;
    throw cannotListen(`"${socket}"`, cause);
  }
  const close = async (): Promise<void> => {
    await closeApp(app); // removes the socket
    release();
  };
  return { where: socket, notes, close };
}

/**
 * Opens the node API on an address of the lab network.
 *
 * @param port - TCP port; 0 takes a free one.
 * @throws {@link SituationError} `cannot_listen`.
 */
export async function listenForNodes(
  address: string,
  port: number,
  parts: NodeRouteParts,
  hooks: ListenerHooks,
): Promise<Listening> {
  const app = newApp({ connectionTimeout: NODE_SILENCE_MS }, hooks);
  const guard = new ConnectionGuard(app.server, {
    connectionsMax: NODE_CONNECTIONS_MAX,
    requestMs: NODE_REQUEST_MS,
    answerMs: NODE_ANSWER_MS,
    unfinishedBytesMax: NODE_UNFINISHED_BYTES_MAX,
  });
  const unhurried = (upload: FastifyRequest): void => {
    guard.allow(upload.raw.socket, Infinity);
  };
  addNodeRoutes(app, parts, unhurried, (then) => {
    setTimeout(then, HELD_MS).unref();
  });
  try {
    const where = await app.listen({ host: address, port });
    return { where, notes: [], close: () => closeApp(app) };
  } catch (cause) {
    throw cannotListen(`${address}, port ${port}`, cause);
  }
}

function cannotListen(where: string, cause: unknown): SituationError {
  return new SituationError("cannot_listen", `Cannot listen on ${where}: ${foundText(cause)}`, {
    cure: "Choose another address, httpPort or socket in huck.yaml, free it, or run as root.",
    cause,
  });
}

function newApp(options: { connectionTimeout: number }, hooks: ListenerHooks): FastifyInstance {
  const app = fastify({
    ...options,
    ...PROBLEM_OPTIONS,
    bodyLimit: JSON_BYTES_MAX,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
  });
  app.addHook("onRequest", (request, reply, done) => {
    if (request.raw.socket.destroyed)
      reply.hijack(); // the guard has closed it
    else done();
  });
  watchPrincipals(app, hooks);
  answerProblems(app, hooks.failed);
  app.addHook("onResponse", (_request, _reply, done) => {
    hooks.answered();
    done();
  });
  return app;
}

/** Asks for the uid of each connection once, when it opens; lets only the allowed ones in. */
function guardUids(app: FastifyInstance, allowed: readonly number[]): readonly string[] {
  const find = peerUidFinder();
  if (find === undefined) {
    return ["koffi is missing: the mode of the socket alone decides who may command the server"];
  }
  const peers = new WeakMap<Socket, Principal>();
  app.server.on("connection", (socket) => {
    const uid = find(socket);
    peers.set(socket, uid === undefined ? { kind: "unknown" } : localPrincipal(uid));
  });
  app.addHook("onRequest", (request, _reply, done) => {
    request.principal = peers.get(request.raw.socket) ?? { kind: "unknown" };
    const { principal } = request;
    if (principal.kind === "local" && allowed.includes(principal.uid)) done();
    else done(forbidden(principal));
  });
  return [];
}

function forbidden(principal: Principal): SituationError {
  return new SituationError(
    "forbidden_uid",
    `Cannot obey ${principalText(principal)}: not in server.uids`,
    {
      cure: "Run it as root or as the server's user, or add the uid to server.uids.",
    },
  );
}

/**
 * Locks a file beside the socket, which stays: of servers that start at once on the socket of a
 * killed one, the second would otherwise remove what the first has just made.
 *
 * @returns Gives the lock up.
 */
function holdPath(socket: string): () => void {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const fd = openSync(`${socket}.lock`, flags, 0o600);
  const release = (): void => {
    closeSync(fd);
  };
  if (lockFile(fd) !== "held") return release;
  release();
  throw serverRuns(socket);
}

/** Removes the socket file of a server that was killed. */
async function removeStale(socket: string): Promise<void> {
  const found = statSync(socket, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw noSocket(socket);
  if (await isTaken(socket)) throw serverRuns(socket);
  rmSync(socket, { force: true });
}

/**
 * Whether a program listens there. Only a refused connection says that none does: one that is busy
 * lets us wait, or has no room for us, and must keep its socket.
 */
async function isTaken(socket: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = connect(socket);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error) => {
      resolve(!NOBODY_LISTENS.includes(codeOf(error) ?? ""));
    });
  });
}

function noSocket(socket: string): SituationError {
  const found = "what is there is no socket";
  return new SituationError("cannot_listen", `Cannot listen on "${socket}": ${found}`, {
    cure: "Choose another socket in huck.yaml, or remove what is there.",
  });
}

function serverRuns(socket: string): SituationError {
  return new SituationError("server_runs", `Cannot listen on "${socket}": another server does`, {
    cure: "Stop that server first, or give this one another socket in huck.yaml.",
  });
}

async function closeApp(app: FastifyInstance): Promise<void> {
  await app.close();
}

/** Others may go through a folder. */
const OTHERS_PASS = 0o001;
const NOBODY_LISTENS = ["ECONNREFUSED", "ENOENT"];
/** Largest body that is no upload: 256 disks fit. */
const JSON_BYTES_MAX = 1 << 20;
/** A node that is silent for this long within a request is taken to be gone. */
const NODE_SILENCE_MS = 60_000;
/** 4096 nodes, two connections each. */
const NODE_CONNECTIONS_MAX = 8192;
/** How long an address that asks too often waits for its refusal. Unit: milliseconds. */
const HELD_MS = 1000;
/** A request that is no upload is sent at once, and is complete by then. */
const NODE_REQUEST_MS = 20_000;
/** 4096 nodes that take the longest chunk table at once are done by then. */
const NODE_ANSWER_MS = 2_400_000;
/** Joins of 4096 nodes at once have 8 kB each. */
const NODE_UNFINISHED_BYTES_MAX = 32 << 20;
