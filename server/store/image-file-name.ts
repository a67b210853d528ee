/** How the name of an image and the name of its file in a folder are derived from each other. */
import path from "node:path";

/** The end of an image file's name. */
export const IMAGE_SUFFIX = ".huck";
const NAME_PATTERN = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;

/** True for 1 .. 100 characters of [A-Za-z0-9._-] that do not begin with a dot or dash. */
export function isImageName(name: string): boolean {
  return NAME_PATTERN.test(name);
}

/** Gives the path of an image in a folder of images, whether it exists or not. */
export function imagePathIn(folder: string, name: string): string {
  return path.join(folder, `${name}${IMAGE_SUFFIX}`);
}

/** Gives the name of the image in a file of this name; undefined if it cannot be an image. */
export function imageNameOf(entry: string): string | undefined {
  if (!entry.endsWith(IMAGE_SUFFIX)) return undefined;
  const name = entry.slice(0, -IMAGE_SUFFIX.length);
  return isImageName(name) ? name : undefined;
}
