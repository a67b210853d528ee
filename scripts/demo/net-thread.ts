/**
 * Entry of the net thread of the demo's receivers: the real thread, behind a network that loses
 * datagrams.
 */
import { parentPort, workerData } from "node:worker_threads";
import { codeOf, messageOf } from "../../shared/core/errors.ts";
import { seededRandom } from "../../shared/core/random.ts";
import { openDatagramPort } from "../../shared/linux/datagram.io.ts";
import type {
  ReceptionMessage,
  ReceptionWorkerData,
} from "../../shared/session/reception/reception-thread.io.ts";
import { runNetThread } from "../../shared/session/reception/net-thread.io.ts";
import { LossyPort } from "./lossy-port.ts";

/** Share of arriving datagrams that are dropped. */
const LOSS = 0.01;

const data = workerData as ReceptionWorkerData;
const random = seededRandom(data.order.seed);

function tell(message: ReceptionMessage): void {
  parentPort?.postMessage(message);
}

runNetThread(data, {
  tell,
  async open(wish) {
    const { port, because } = await openDatagramPort(wish);
    const lossy = new LossyPort(port, LOSS, random);
    return { port: lossy, ...(because === undefined ? {} : { because }) };
  },
}).catch((error: unknown) => {
  tell({
    kind: "failed",
    code: codeOf(error) ?? "reception_failed",
    message: messageOf(error),
  });
});
