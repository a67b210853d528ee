/**
 * Finds an image that is named on the command line: by a path, or by a name in a folder of images.
 *
 * A word that contains a slash or ends in ".huck" is a path. Any other word is a name in the folder
 * that --store gives, or in the current one.
 */
import path from "node:path";
import { IMAGE_SUFFIX, imagePathIn } from "../../store/image-file-name.ts";

/** A folder, and the name of an image in it. */
export interface ImagePlace {
  readonly folder: string;
  readonly name: string;
  /** Path of the image file. */
  readonly file: string;
}

/** Gives the place of an image. Whether it exists is not checked. */
export function imagePlace(typed: string, store: string): ImagePlace {
  const isPath = typed.includes("/") || typed.endsWith(IMAGE_SUFFIX);
  const folder = isPath ? path.dirname(typed) : store;
  const base = isPath ? path.basename(typed) : typed;
  const name = base.endsWith(IMAGE_SUFFIX) ? base.slice(0, -IMAGE_SUFFIX.length) : base;
  const named = base.endsWith(IMAGE_SUFFIX) || !isPath;
  return { folder, name, file: named ? imagePathIn(folder, name) : path.join(folder, base) };
}
