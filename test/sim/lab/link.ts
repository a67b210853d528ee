/**
 * ServerLink over a network that loses, doubles and delays. It repeats as http-link.io.ts does:
 * an answer is final, silence is repeated for a while, "later" is asked again for hours.
 */
import type { CaptureUpload, ServerLink } from "../../../receiver/link/server-link.ts";
import { problemOf } from "../../../shared/control/problem.ts";
import { HuckError, SituationError } from "../../../shared/core/errors.ts";
import { manifestOf, recordOf } from "./disk-work.ts";
import type { SimServer, ServerRun } from "./server.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

const ANSWER_TIMEOUT_MS = 20_000;
const REPEAT_FOR_MS = 120_000;
const REPEAT_AFTER_MS = 1000;
const UNREADY_FOR_MS = 4 * 3_600_000;
/** Codes that are answered with status 429. */
const LATER = ["image_unproven", "journal_unwritable", "too_many_joins"];

/** The boot whose link it is. */
export interface LinkEnd {
  readonly world: World;
  readonly token: string;
  readonly label: string;
  readonly alive: boolean;
  sleep(ms: number): Promise<void>;
  refused(code: string): void;
}

type Answer<T> =
  | { readonly kind: "good"; readonly value: T }
  | { readonly kind: "problem"; readonly error: SituationError }
  | { readonly kind: "later" }
  | { readonly kind: "silence" };

/** What a request does in whatever run of the server it meets. */
type Work<T> = (run: ServerRun, now: number) => T | Promise<T>;

export function simLink(server: SimServer, end: LinkEnd, weather: Weather): ServerLink {
  const network = new Network(server, end, weather);
  const { token } = end;
  return {
    join: (request) => network.call("join", (run, now) => run.join(request, now)),
    session: ({ order }) =>
      network.call("session", (run, now) =>
        run.session(run.lab.desk.visitor(token, now), order, now),
      ),
    arm: (request) =>
      network.call("arm", (run, now) =>
        run.lab.desk.arm(run.lab.desk.visitor(token, now), request, now),
      ),
    status: (report) =>
      network.call(
        `status ${report.phase}`,
        (run, now) => run.lab.desk.report(run.lab.desk.visitor(token, now), report, now),
        0,
      ),
    verdict: (report) =>
      network.call(`verdict ${report.verdict.code}`, (run, now) =>
        run.lab.desk.verdict(run.lab.desk.visitor(token, now), report, now),
      ),
    tail: () =>
      network.call("tail", (run, now) =>
        manifestOf(run.store.named(run.lab.desk.imageOf(run.lab.desk.visitor(token, now)).name)),
      ),
    chunk: (index) =>
      network.call("chunk", (run, now) => {
        const { name } = run.lab.desk.imageOf(run.lab.desk.visitor(token, now));
        return recordOf(run.store.named(name), index, false);
      }),
    capture: () => new Upload(network, server, end),
  };
}

class Network {
  readonly #server: SimServer;
  readonly #end: LinkEnd;
  readonly #weather: Weather;

  constructor(server: SimServer, end: LinkEnd, weather: Weather) {
    this.#server = server;
    this.#end = end;
    this.#weather = weather;
  }

  async call<T>(name: string, work: Work<T>, repeatForMs = REPEAT_FOR_MS): Promise<T> {
    const { world } = this.#end;
    const unreadyUntil = world.now + UNREADY_FOR_MS;
    let until = world.now + repeatForMs;
    for (;;) {
      const answer = await this.once(name, work);
      if (answer.kind === "good") return answer.value;
      if (answer.kind === "problem") {
        this.#end.refused(answer.error.code);
        throw answer.error;
      }
      if (answer.kind === "later") until = Math.min(world.now + repeatForMs, unreadyUntil);
      if (world.now + REPEAT_AFTER_MS > until) throw unreachable();
      await this.#end.sleep(REPEAT_AFTER_MS + world.random.below(REPEAT_AFTER_MS));
    }
  }

  /** Settles for a living node only; the server may be asked long after the node is gone. */
  once<T>(name: string, work: Work<T>): Promise<Answer<T>> {
    const { world } = this.#end;
    const { loss, late, doubled } = this.#weather;
    const answered = world.deferred<Answer<T>>();
    const answer = (value: Answer<T>): void => {
      if (this.#end.alive) answered.resolve(value);
    };
    const timeout = world.after(ANSWER_TIMEOUT_MS, () => {
      answer({ kind: "silence" });
    });
    const arrive = (): void => {
      void this.#atServer(name, work).then((reply) => {
        if (world.chance(loss)) return;
        world.after(world.between(1, 15), () => {
          timeout.cancel();
          answer(reply);
        });
      });
    };
    if (!world.chance(loss)) {
      const delayMs = world.chance(late) ? world.between(1000, 60_000) : world.between(1, 15);
      world.after(delayMs, arrive);
      if (world.chance(doubled)) world.after(delayMs + world.between(0, 5000), arrive);
    }
    return answered.promise;
  }

  async #atServer<T>(name: string, work: Work<T>): Promise<Answer<T>> {
    const { world, label } = this.#end;
    world.stir();
    const run = this.#server.run;
    if (run === undefined) return { kind: "silence" };
    try {
      const value = await run.serve(work);
      if (!run.alive) return { kind: "silence" };
      if (!name.startsWith("status")) world.note(`${label} ${name}: answered`);
      return { kind: "good", value };
    } catch (thrown) {
      if (!run.alive) return { kind: "silence" };
      const { code, detail, cure, exitCode } = problemOf(thrown);
      if (code === "internal") world.thrown(`${label} ${name}`, thrown);
      else world.note(`${label} ${name}: ${code}`);
      if (thrown instanceof HuckError && LATER.includes(code)) return { kind: "later" };
      return { kind: "problem", error: new SituationError(code, detail, { cure, exitCode }) };
    }
  }
}

/** An upload belongs to one connection: when the server dies it is torn. */
class Upload implements CaptureUpload {
  readonly #network: Network;
  readonly #server: SimServer;
  readonly #end: LinkEnd;
  #pieces = 0;
  #run: ServerRun | undefined;

  constructor(network: Network, server: SimServer, end: LinkEnd) {
    this.#network = network;
    this.#server = server;
    this.#end = end;
  }

  async append(): Promise<void> {
    this.#pieces += 1;
    await this.#take("append", (run, now) => run.capturePiece(this.#end.token, this.#pieces, now));
  }

  async commit(): Promise<void> {
    await this.#take("commit", (run, now) => run.captureEnd(this.#end.token, now));
  }

  abort(): void {
    this.#run?.captureAbort(this.#end.token);
  }

  async #take(name: string, work: Work<void>): Promise<void> {
    if (this.#pieces === 1) this.#run = this.#server.run;
    if (this.#run === undefined || this.#run !== this.#server.run) throw unreachable();
    const answer = await this.#network.once(`capture ${name}`, work);
    if (answer.kind === "good") return;
    throw answer.kind === "problem" ? answer.error : unreachable();
  }
}

function unreachable(): SituationError {
  return new SituationError("server_unreachable", "Cannot reach the server: no answer", {
    cure: "Check that huck serve runs and the node's cable is in.",
  });
}
