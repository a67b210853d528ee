/**
 * Entry of a receiver's net thread: opens the real port and sends messages to the thread that
 * started it.
 */
import { parentPort, workerData } from "node:worker_threads";
import { codeOf, messageOf } from "../../core/errors.ts";
import { openDatagramPort } from "../../linux/datagram.io.ts";
import type { ReceptionMessage, ReceptionWorkerData } from "./reception-thread.io.ts";
import { runNetThread } from "./net-thread.io.ts";

function tell(message: ReceptionMessage): void {
  parentPort?.postMessage(message);
}

// no top-level await: the initramfs carries this file as CommonJS
runNetThread(workerData as ReceptionWorkerData, { open: openDatagramPort, tell }).catch(
  (error: unknown) => {
    const code = codeOf(error) ?? "reception_failed";
    tell({ kind: "failed", code, message: messageOf(error) });
  },
);
