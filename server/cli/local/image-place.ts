/**
 * Where an image named on the command line is: a path, or a name in a folder of images.
 *
 * What contains a slash or ends in ".huck" is a path; everything else is a name, looked up in the
 * folder given by --store, which is the current one unless said otherwise.
 */
import path from "node:path";
import { IMAGE_SUFFIX, imagePathIn } from "../../store/image-file-name.ts";

/** A folder and a name in it. */
export interface ImagePlace {
  readonly folder: string;
  readonly name: string;
  /** The image file. */
  readonly file: string;
}

/**
 * Finds the place of an image.
 *
 * @param typed - As typed.
 * @param store - Folder for bare names.
 * @returns Its place; nothing is looked at.
 */
export function imagePlace(typed: string, store: string): ImagePlace {
  const isPath = typed.includes("/") || typed.endsWith(IMAGE_SUFFIX);
  const folder = isPath ? path.dirname(typed) : store;
  const base = isPath ? path.basename(typed) : typed;
  const name = base.endsWith(IMAGE_SUFFIX) ? base.slice(0, -IMAGE_SUFFIX.length) : base;
  const named = base.endsWith(IMAGE_SUFFIX) || !isPath;
  return { folder, name, file: named ? imagePathIn(folder, name) : path.join(folder, base) };
}
