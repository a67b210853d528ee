/**
 * The story of a save, as one node lives it: choose the disk, read it, stream the image, hear that
 * it is durable.
 *
 * Nothing is ever written to the disk, and the server shows the image only when all of it has
 * arrived and was checked there.
 */
import type { SaveOrder } from "../shared/control/order.ts";
import { pick } from "./load.ts";
import type { Stage } from "./load.ts";

/**
 * Saves the disk of this node.
 *
 * @param order - Checked by the caller.
 * @param stage - The same as for a load; its session is not used.
 * @throws NodeFailure and SituationError: how it did not; the server then keeps nothing.
 */
export async function save(order: SaveOrder, stage: Stage): Promise<"ok"> {
  const { reporter, disk, link } = stage;
  reporter.enter("planning");
  await disk.open(pick(order, stage.disks), "read");
  reporter.enter("capturing");
  const upload = link.capture();
  try {
    await disk.capture(
      order,
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
