/** Goal: a name and its file lead to each other and never out of the folder. Method: examples. */
import { expect, test } from "vitest";
import {
  IMAGE_SUFFIX,
  imageNameOf,
  imagePathIn,
  isImageName,
} from "../../../../server/store/image-file-name.ts";

test.each(["a", "_x", "Ubuntu-24.04", "0", "x".repeat(100), "a.huck"])(
  "imageNameOf() gives back the name %s of imagePathIn()",
  (name) => {
    expect(isImageName(name)).toBe(true);
    expect(imagePathIn("/srv/images", name)).toBe(`/srv/images/${name}${IMAGE_SUFFIX}`);
    expect(imageNameOf(`${name}${IMAGE_SUFFIX}`)).toBe(name);
  },
);

test.each(["", ".", "..", ".draft-1", "-a", "a/b", "../a", "a b", "a\n", "x".repeat(101)])(
  "isImageName() refuses %j, and imageNameOf() its file",
  (name) => {
    expect(isImageName(name)).toBe(false);
    expect(imageNameOf(`${name}${IMAGE_SUFFIX}`)).toBeUndefined();
  },
);

test("imageNameOf() passes over files of other kinds", () => {
  expect(["README", "a.huck.new", "huck"].map(imageNameOf)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
