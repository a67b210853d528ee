/**
 * A link whose waits end when the work is asked to stop.
 *
 * A call is repeated for minutes while nobody answers, and for hours while the server checks the
 * image. An abort or a signal must not wait for that: the call is given up, and what it still
 * brings is ignored. Asking to arm is not given up, because the server may have counted it already.
 */
import { NodeFailure } from "../failure.ts";
import type { Reporter } from "./reporter.ts";
import type { CaptureUpload, ServerLink } from "./server-link.ts";

/** Gives the link of an order, without what only the visit itself says. */
export function stoppableLink(link: ServerLink, reporter: Pick<Reporter, "onStop">): ServerLink {
  const stopped = new Promise<never>((_resolve, reject) => {
    reporter.onStop((reason) => {
      reject(stopFailure(reason));
    });
  });
  stopped.catch(() => undefined); // nobody waits for an answer just now
  const unlessStopped = <Answer>(answer: Promise<Answer>): Promise<Answer> =>
    Promise.race([answer, stopped]);
  return {
    ...link,
    session: (request) => unlessStopped(link.session(request)),
    tail: () => unlessStopped(link.tail()),
    chunk: (index) => unlessStopped(link.chunk(index)),
    capture: () => {
      const upload: CaptureUpload = link.capture();
      return {
        append: (bytes) => unlessStopped(upload.append(bytes)),
        // The server is making the image durable: what it answers is the truth.
        commit: () => upload.commit(),
        abort: () => {
          upload.abort();
        },
      };
    },
  };
}

/** Why work ends that was asked to stop. */
export function stopFailure(reason: string): NodeFailure {
  return new NodeFailure("aborted", reason, "Run the same command again when you are ready.");
}
