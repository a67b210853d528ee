/**
 * The steps of a save on one node: choose the disk, read it, send the image to the server, and wait
 * until the server has made it durable.
 *
 * Nothing is ever written to the disk. The server shows the image only after all of it has arrived
 * and was checked there.
 */
import type { SaveOrder } from "../shared/control/order.ts";
import { diskForOrder } from "./load.ts";
import type { Stage } from "./stage.ts";

/**
 * Saves the disk of this node.
 *
 * @param order - Its signature was checked by the caller.
 * @param stage - The same as for a load; its session is not used.
 * @throws NodeFailure and SituationError with the reason of a failure; the server then keeps
 *   nothing.
 */
export async function save(order: SaveOrder, stage: Stage): Promise<"ok"> {
  const { reporter, disk, link } = stage;
  reporter.enter("planning");
  await disk.open(order, diskForOrder(order, stage.disks), "read");
  reporter.enter("capturing");
  const upload = link.capture();
  try {
    await disk.capture(
      (bytes) => upload.append(bytes),
      (done, total) => {
        reporter.progress(done, total);
      },
    );
    reporter.enter("flushing", "the server checks the image and makes it durable");
    await upload.commit();
  } catch (error) {
    upload.abort();
    throw error;
  }
  return "ok";
}
