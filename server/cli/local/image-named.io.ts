/** Opens images that are named on the command line; errors name what was found and a cure. */
import { FormatError, SituationError, codeOf } from "../../../shared/core/errors.ts";
import type { OpenedImage } from "../../../shared/image/store.ts";
import { IMAGE_SUFFIX } from "../../store/image-file-name.ts";
import { openImageAt } from "../../store/open-images.io.ts";
import { NOT_AN_IMAGE_CURE, endOfUntouched, imageFailure, nameIt } from "../system-error.ts";
import { FOUND_TEXT, foundKind } from "./found-kind.io.ts";
import { imagePlace } from "./image-place.ts";

/**
 * Opens an image; the caller closes it.
 *
 * @param path - As the operator would type it.
 * @throws SituationError `no_such_image`, `not_an_image`, or with the code of what is damaged; a
 *   system error.
 */
export async function openImageNamed(path: string): Promise<OpenedImage> {
  try {
    return await openImageAt(path);
  } catch (error) {
    throw noImage(path, error) ?? endOfUntouched(imageFailure(path, nameIt(error, path)));
  }
}

/**
 * Refuses a restore whose image is none while its target is one.
 *
 * @param store - Folder in which a name is looked for.
 * @throws {@link SituationError} `arguments_swapped`.
 */
export function refuseSwapped(image: string, target: string, store: string): void {
  const kinds = [imagePlace(image, store).file, image].map(foundKind);
  if (kinds.includes("image") || kinds.every((kind) => kind === "nothing")) return;
  const places = [target, imagePlace(target, store).file];
  const place = places.find((one) => foundKind(one) === "image");
  if (place === undefined) return;
  throw new SituationError(
    "arguments_swapped",
    `Cannot restore "${image}" to "${target}": "${image}" is no image, and "${place}" is one`,
    { cure: `The arguments seem swapped: huck image restore "${target}" "${image}".` },
  );
}

/** The error for a path that leads to something else than an image; undefined if it is one. */
function noImage(path: string, cause: unknown): SituationError | undefined {
  if (cause instanceof FormatError) {
    const found = foundKind(path);
    const text = found === "image" ? undefined : FOUND_TEXT[found];
    if (text === undefined) return undefined;
    return notAnImage(`Cannot read image "${path}": ${text}, an image wanted`, cause);
  }
  if (codeOf(cause) !== "no_such_image" || !path.endsWith(IMAGE_SUFFIX)) return undefined;
  const typed = path.slice(0, -IMAGE_SUFFIX.length);
  const text = FOUND_TEXT[foundKind(typed)];
  if (text === undefined) return undefined;
  return notAnImage(
    `Cannot open image "${path}": there is none; "${typed}" is there: ${text}`,
    cause,
  );
}

function notAnImage(message: string, cause: unknown): SituationError {
  return new SituationError("not_an_image", message, { cure: NOT_AN_IMAGE_CURE, cause });
}
