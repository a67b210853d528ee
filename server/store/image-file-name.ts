/** What an image file in a folder is called: the name of the image and this ending. */

/** Ending of an image file's name. */
export const IMAGE_SUFFIX = ".huck";
