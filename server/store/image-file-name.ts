/** How an image's name and its file in a folder belong together: the one place that knows. */
import path from "node:path";

/** Ending of an image file's name. */
export const IMAGE_SUFFIX = ".huck";
const NAME_PATTERN = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;

/**
 * Tells whether a text may be an image's name.
 *
 * @param name - Any text.
 * @returns True for 1 .. 100 of [A-Za-z0-9._-], not beginning with a dot or dash.
 */
export function isImageName(name: string): boolean {
  return NAME_PATTERN.test(name);
}

/**
 * Gives the path of an image in a folder of images.
 *
 * @param folder - The folder.
 * @param name - The image's name.
 * @returns Its path, be it there or not.
 */
export function imagePathIn(folder: string, name: string): string {
  return path.join(folder, `${name}${IMAGE_SUFFIX}`);
}

/**
 * Gives the name of the image that a file in a folder of images holds.
 *
 * @param entry - Name of the file.
 * @returns Undefined for a file that can be no image of the folder.
 */
export function imageNameOf(entry: string): string | undefined {
  if (!entry.endsWith(IMAGE_SUFFIX)) return undefined;
  const name = entry.slice(0, -IMAGE_SUFFIX.length);
  return isImageName(name) ? name : undefined;
}
