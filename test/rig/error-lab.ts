/** The server that the cases of server-error-cases.ts ask. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { JobCreated, OperatorRoute } from "../../shared/control/operator-api.ts";
import { OperatorLine } from "../../server/cli/remote/operator-line.io.ts";
import { root } from "./huck-server.ts";
import { freePort } from "./ports.ts";

/** A server with images, nodes that are never there, and jobs. */
export class ErrorLab {
  readonly folder: string;
  #child: ChildProcess | undefined;

  /**
   * @param parent - Gets its folder.
   * @param images - A folder with lab.huck, torn.huck and bad.huck.
   */
  constructor(parent: string, images: string) {
    this.folder = join(parent, "lab");
    const store = join(this.folder, "images");
    mkdirSync(store, { recursive: true });
    for (const name of ["lab", "torn", "bad"]) {
      cpSync(join(images, `${name}.huck`), join(store, `${name}.huck`));
    }
    writeFileSync(join(this.folder, "huck.yaml"), configText(freePort()));
  }

  /** Starts it, and begins the jobs. */
  async start(): Promise<void> {
    const words = [join(root, "huck.ts"), "serve", "-c", join(this.folder, "huck.yaml")];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "ignore"] });
    this.#child = child;
    await new Promise((resolve, reject) => {
      child.stdout.once("data", resolve);
      child.once("exit", (code) => {
        reject(new Error(`huck serve ended with ${code}`));
      });
    });
    child.stdout.resume();
    const line = new OperatorLine(join(this.folder, "huck.sock"));
    for (let count = 0; count < JOBS; count += 1) {
      const request = { image: "lab", nodes: ["fit03"] };
      const { job } = await line.post(OperatorRoute.loads, request, JobCreated);
      if (count < JOBS - 1) await line.delete(`${OperatorRoute.jobs}/${job}`);
    }
  }

  /** Ends it. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGTERM");
    await ended;
  }
}

/** Two of so many ids begin with the same digit. */
const JOBS = 17;

const configText = (port: number): string => `
server: { address: 127.0.0.1, httpPort: ${port}, dhcp: { mode: off }, socket: huck.sock }
defaults: { reimage: free }
nodes:
  - { name: fit01, macs: ["52:54:00:12:34:01"] }
  - { name: fit02, macs: ["52:54:00:12:34:02"] }
  - { name: fit03, macs: ["52:54:00:12:34:03"] }
  - { name: calm, macs: ["52:54:00:12:34:04"], reimage: confirm }
  - name: dead
    macs: ["52:54:00:12:34:05"]
    power: { driver: command, on: no-such-command, off: no-such-command }
`;
