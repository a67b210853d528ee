/**
 * Keeps an HTTP server reachable for everybody, whatever some of its clients do.
 *
 * Node.js bounds the silence between two bytes, but not how long a request may drip, and beyond its
 * most connections it turns everybody away. Here each request has an absolute deadline, what
 * unfinished requests have sent is bounded in all, and when there are too many connections, one of
 * the address that has most gives way: first one whose request is not complete, then an idle one.
 * So a flood costs the one who floods. Requests that are sent before the answer to the one before
 * are few, because each is begun at once: those of a connection, and of an address, are counted.
 * Time is monotonic.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface GuardBounds {
  /** Most connections at once. */
  readonly connectionsMax: number;
  /** A request must be complete by then, from its first byte. Unit: milliseconds. */
  readonly requestMs: number;
  /** Its answer must be taken by then, if nothing else was allowed. Unit: milliseconds. */
  readonly answerMs: number;
  /** Most bytes of all unfinished requests together. */
  readonly unfinishedBytesMax: number;
}

/** Running totals. */
export interface GuardCounters {
  /** Connections that came. */
  connections: number;
  /** Closed, or turned away, for others when there were too many. */
  gave_way: number;
  /** Closed because a request dripped. */
  slow_request: number;
  /** Closed because an answer was not taken. */
  slow_answer: number;
  /** Closed because unfinished requests had sent too much. */
  too_much_unfinished: number;
  /** Closed because too many answers were under way at once. */
  too_many_answers: number;
}

/**
 * What a connection does: its request is on its way, is being answered, or there is none. A new
 * connection waits for its first request, which has to come in time.
 */
type Doing = "asking" | "answered" | "idle";

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  doing: Doing;
  /** When it has to be done with it. */
  endBy: number;
  /** `bytesRead` of the socket when its last request was complete. */
  doneBytes: number;
  /** Answers that are under way. */
  answers: number;
}

export class ConnectionGuard {
  readonly counters: GuardCounters = {
    connections: 0,
    gave_way: 0,
    slow_request: 0,
    slow_answer: 0,
    too_much_unfinished: 0,
    too_many_answers: 0,
  };
  readonly #bounds: GuardBounds;
  readonly #bySocket = new Map<Socket, Connection>();
  readonly #byAddress = new Map<string, Set<Connection>>();
  readonly #timer: NodeJS.Timeout;

  /**
   * Watches a server from now on; call it before the server listens. A request whose connection was
   * closed here still reaches the server's own listener, with a socket that is destroyed.
   */
  constructor(server: Server, bounds: GuardBounds) {
    this.#bounds = bounds;
    server.on("connection", (socket: Socket) => {
      this.#admit(socket);
    });
    server.prependListener("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#heard(request, response);
    });
    this.#timer = setInterval(() => {
      this.#sweep(performance.now());
    }, SWEEP_MS);
    this.#timer.unref();
    server.once("close", () => {
      clearInterval(this.#timer);
    });
  }

  /**
   * Gives the request of a connection, with its answer, another time.
   *
   * @param ms - From now; Infinity if somebody else bounds it.
   */
  allow(socket: Socket, ms: number): void {
    const connection = this.#bySocket.get(socket);
    if (connection === undefined) return;
    connection.doing = "answered";
    connection.endBy = performance.now() + ms;
  }

  #admit(socket: Socket): void {
    this.counters.connections += 1;
    const address = socket.remoteAddress ?? "";
    if (this.#bySocket.size >= this.#bounds.connectionsMax && !this.#makeRoom(address)) {
      this.counters.gave_way += 1;
      socket.destroy();
      return;
    }
    const endBy = performance.now() + this.#bounds.requestMs;
    const connection: Connection = {
      ...{ socket, address, doing: "asking", endBy },
      ...{ doneBytes: 0, answers: 0 },
    };
    this.#bySocket.set(socket, connection);
    const all = this.#byAddress.get(address) ?? new Set();
    this.#byAddress.set(address, all.add(connection));
    socket.once("close", () => {
      this.#forget(connection);
    });
  }

  #forget(connection: Connection): void {
    this.#bySocket.delete(connection.socket);
    const all = this.#byAddress.get(connection.address);
    all?.delete(connection);
    if (all?.size === 0) this.#byAddress.delete(connection.address);
  }

  /** Ends a connection of the address that has most; false if that is the one who asks. */
  #makeRoom(address: string): boolean {
    const own = this.#byAddress.get(address)?.size ?? 0;
    let most: ReadonlySet<Connection> | undefined;
    for (const all of this.#byAddress.values()) {
      if (all.size > (most?.size ?? own)) most = all;
    }
    const all = most ?? this.#byAddress.get(address) ?? new Set<Connection>();
    const victim = firstOf(all, "asking") ?? firstOf(all, "idle");
    const taken = victim ?? (all.size > own + 1 ? firstOf(all, "answered") : undefined);
    if (taken === undefined) return false;
    this.#end(taken, "gave_way");
    return true;
  }

  #heard(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#bySocket.get(request.socket);
    if (connection === undefined) return;
    if (connection.answers >= ANSWERS_MAX || this.#answersTo(connection) >= ADDRESS_ANSWERS_MAX) {
      this.#end(connection, "too_many_answers");
      return;
    }
    connection.answers += 1;
    const { headers } = request;
    const hasBody =
      headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
    if (hasBody) {
      connection.doing = "asking"; // its time began with its first byte
      request.once("end", () => {
        if (connection.doing === "asking") this.#complete(connection);
      });
    } else {
      this.#complete(connection);
    }
    response.once("close", () => {
      connection.answers -= 1;
      connection.doing = "idle";
      connection.doneBytes = connection.socket.bytesRead;
      connection.endBy = Infinity; // the server's own bound on silence ends it
    });
  }

  /** Answers under way to the address of a connection. */
  #answersTo({ address }: Connection): number {
    let sum = 0;
    for (const { answers } of this.#byAddress.get(address) ?? []) sum += answers;
    return sum;
  }

  #complete(connection: Connection): void {
    connection.doing = "answered";
    connection.doneBytes = connection.socket.bytesRead;
    connection.endBy = performance.now() + this.#bounds.answerMs;
  }

  #sweep(now: number): void {
    for (const one of this.#bySocket.values()) {
      if (one.doing === "idle" && one.socket.bytesRead > one.doneBytes) {
        one.doing = "asking";
        one.endBy = now + this.#bounds.requestMs;
      }
      if (now < one.endBy) continue;
      this.#end(one, one.doing === "answered" ? "slow_answer" : "slow_request");
    }
    this.#shedUnfinished();
  }

  /** Ends the unfinished requests of the address that has sent most, until the bound is kept. */
  #shedUnfinished(): void {
    let total = 0;
    const sums = new Map<string, number>();
    for (const one of this.#bySocket.values()) {
      const bytes = unfinishedBytes(one);
      total += bytes;
      sums.set(one.address, (sums.get(one.address) ?? 0) + bytes);
    }
    const greediest = [...sums].sort((left, right) => right[1] - left[1]);
    for (const [address, bytes] of greediest) {
      if (total <= this.#bounds.unfinishedBytesMax) return;
      for (const one of [...(this.#byAddress.get(address) ?? [])]) {
        if (unfinishedBytes(one) > 0) this.#end(one, "too_much_unfinished");
      }
      total -= bytes;
    }
  }

  #end(connection: Connection, why: keyof GuardCounters): void {
    this.counters[why] += 1;
    this.#forget(connection);
    connection.socket.destroy();
  }
}

function unfinishedBytes({ doing, socket, doneBytes }: Connection): number {
  return doing === "asking" ? socket.bytesRead - doneBytes : 0;
}

/** Gives the oldest that does this. */
function firstOf(all: Iterable<Connection>, doing: Doing): Connection | undefined {
  for (const one of all) if (one.doing === doing) return one;
  return undefined;
}

/** How often deadlines are looked at. Unit: milliseconds. */
const SWEEP_MS = 250;
/**
 * Answers of one connection at once. A client may send its next request when it has the answer,
 * which is a moment before we know that it has it.
 */
const ANSWERS_MAX = 4;
/** Answers of one address at once: several nodes may stand behind one. */
const ADDRESS_ANSWERS_MAX = 64;
