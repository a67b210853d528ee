/**
 * The client of the operator API: HTTP over the server's unix socket.
 *
 * An answer is parsed by its schema, or thrown if it is a problem, so verbs get only valid values.
 * A server that cannot be reached means exit code 6, because then nothing is known.
 */
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import type * as z from "zod";
import { Event } from "../../../shared/control/event.ts";
import { OperatorRoute } from "../../../shared/control/operator-api.ts";
import { Problem, situationOfProblem } from "../../../shared/control/problem.ts";
import { foundText } from "../../../shared/core/errno.ts";
import { ExitCode, SituationError, codeOf } from "../../../shared/core/errors.ts";
import { jsonOf } from "../../../shared/core/json.ts";
import { withSignalText } from "../signals.io.ts";

/** The server's socket, if neither --socket nor $HUCK_SOCKET names another one. */
export const SOCKET_DEFAULT = "/run/huck/huck.sock";

/** A client of one server. */
export class OperatorLine {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /**
   * Asks for something.
   *
   * @param route - Path with query.
   * @throws {@link SituationError} `server_unreachable`, or the server's problem.
   */
  async get<T extends z.ZodType>(route: string, schema: T): Promise<z.output<T>> {
    return await this.#json(await this.#send("GET", route), schema);
  }

  /**
   * Begins something.
   *
   * @throws {@link SituationError} `server_unreachable`, or the server's problem.
   */
  async post<T extends z.ZodType>(route: string, body: object, schema: T): Promise<z.output<T>> {
    return await withSignalText(SENT, async () =>
      this.#json(await this.#send("POST", route, body), schema),
    );
  }

  /**
   * Ends or removes something.
   *
   * @throws {@link SituationError} `server_unreachable`, or the server's problem.
   */
  async delete(route: string): Promise<void> {
    await withSignalText(SENT, async () => text(await this.#send("DELETE", route)));
  }

  /**
   * Reads the events of a job whose `seq` is above `after`, in order, until the server ends the
   * stream. Unknown kinds of event are skipped.
   *
   * @throws {@link SituationError} `server_unreachable`, or the server's problem.
   */
  async *events(job: string, after: number): AsyncGenerator<Event> {
    const answer = await this.#send("GET", `${OperatorRoute.jobs}/${job}/events?after=${after}`);
    try {
      for await (const line of createInterface({ input: answer, crlfDelay: Infinity })) {
        const event = Event.safeParse(jsonOf(line));
        if (event.success) yield event.data;
      }
    } catch (thrown) {
      throw unreachable(this.#socketPath, thrown);
    } finally {
      answer.destroy();
    }
  }

  async #json<T extends z.ZodType>(answer: IncomingMessage, schema: T): Promise<z.output<T>> {
    const parsed = schema.safeParse(jsonOf(await text(answer)));
    if (parsed.success) return parsed.data;
    throw new SituationError(
      "strange_answer",
      `Cannot read the server's answer: ${parsed.error.issues[0]?.message ?? "malformed"}`,
      { cure: "Use the huck of the same version as the server.", exitCode: ExitCode.unknown },
    );
  }

  async #send(method: string, route: string, body?: object): Promise<IncomingMessage> {
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const asking = request({
        socketPath: this.#socketPath,
        agent: false,
        method,
        path: route,
        headers: sent === undefined ? {} : { "content-type": "application/json" },
      });
      asking.once("response", resolve);
      asking.once("error", (thrown) => {
        reject(unreachable(this.#socketPath, thrown));
      });
      asking.end(sent);
    });
    if ((answer.statusCode ?? 500) < 400) return answer;
    throw problemError(await text(answer));
  }
}

/** What a signal says while the answer to something that changes is awaited. */
const SENT =
  "interrupted before the server answered, which may have done it; `huck job list` and " +
  "`huck image list` tell";

function problemError(body: string): SituationError {
  const problem = Problem.safeParse(jsonOf(body));
  if (!problem.success) {
    return new SituationError(
      "strange_answer",
      "Cannot read the server's answer: no problem in it",
      {
        cure: "Use the huck of the same version as the server.",
        exitCode: ExitCode.unknown,
      },
    );
  }
  return situationOfProblem(problem.data);
}

function unreachable(socketPath: string, cause: unknown): SituationError {
  const refused = codeOf(cause) === "EACCES";
  return new SituationError(
    "server_unreachable",
    `Cannot reach the server at "${socketPath}": ${foundText(cause)}`,
    {
      cure: refused
        ? "Run the command as root or as the server's user, or ask for your uid in server.uids."
        : "Start it with `huck serve`, or name its socket with --socket or $HUCK_SOCKET.",
      exitCode: ExitCode.unknown,
      cause,
    },
  );
}
