/** Opens an image file that was named on the command line; errors name the file and a cure. */
import type { OpenedImage } from "../../../shared/image/store.ts";
import { openImageAt } from "../../store/open-images.io.ts";
import { endOfUntouched, imageFailure, nameIt } from "../system-error.ts";

/**
 * Opens an image; the caller closes it.
 *
 * @param path - As the operator would type it.
 * @throws SituationError `no_such_image`, or with the code of what is damaged; a system error.
 */
export async function openImageNamed(path: string): Promise<OpenedImage> {
  try {
    return await openImageAt(path);
  } catch (error) {
    throw endOfUntouched(imageFailure(path, nameIt(error, path)));
  }
}
