/** A server of its own for every test of a file. */
import { afterAll, afterEach, beforeEach } from "vitest";
import { JobCreated } from "../../shared/control/operator-api.ts";
import type { RunningServer } from "../../server/main.io.ts";
import { Arrivals } from "./arrivals.ts";
import { TestNode, dropFolders, freshFolder, operate, orderIn, serveIn } from "./lab-kit.ts";
import type { LogLine } from "./lab-kit.ts";
import { freePort } from "./ports.ts";
import { storeImage } from "./small-image.ts";

/** A server of its own, with the image "ubuntu", for every test of a file. */
export class ServerPerTest {
  folder = "";
  imageId = "";
  /** What the servers of this test wrote into their log. */
  logged = new Arrivals<LogLine>();
  /** The port after it is free too. */
  readonly port = freePort(2);
  #server: RunningServer | undefined;

  /** Registers the hooks: once per file, outside its tests. */
  constructor() {
    beforeEach(async () => {
      this.folder = freshFolder();
      this.logged = new Arrivals();
      this.imageId = await storeImage(this.folder, "ubuntu");
      await this.start();
    });
    afterEach(async () => {
      await this.close();
    });
    afterAll(dropFolders);
  }

  /**
   * @returns The one that runs.
   * @throws When none does.
   */
  get server(): RunningServer {
    if (this.#server === undefined) throw new Error("the server does not run");
    return this.#server;
  }

  async start(more = ""): Promise<void> {
    this.#server = await serveIn(this.folder, this.port, more, this.logged);
  }

  async close(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  async beginLoad(nodes: string[], more: object = {}): Promise<JobCreated> {
    const body = { image: "ubuntu", nodes, gatherSeconds: 0, ...more };
    return JobCreated.parse((await operate(this.server, "POST", "/v1/loads", body)).body);
  }

  /**
   * Waits until somebody else, such as a verb in its own process, has begun a job.
   *
   * @throws If nobody does, or the server refuses it.
   */
  async jobBegun(): Promise<void> {
    const asked = await this.logged.until(
      ({ msg }) => /: POST \/v1\/(loads|saves)$/.test(String(msg)),
      BEGUN_WITHIN_MS,
    );
    if (typeof asked === "string" || asked["status"] !== 201) {
      throw new Error(`no job was begun: ${JSON.stringify(asked)}`);
    }
  }

  /** Boots a node, joins, and gives it with its order. */
  async joined(name: string): Promise<{ node: TestNode; order: string }> {
    const node = await TestNode.boot(this.server, name);
    const reply = await node.join();
    return { node, order: orderIn(reply)?.id ?? "none" };
  }
}

/** A verb starts in a second; less than the time limit of a unit test. */
const BEGUN_WITHIN_MS = 15_000;
