/**
 * `huck image list` and `huck image trash`: the images of the server's store.
 */
import type { Command } from "commander";
import { ImageName } from "../../../shared/control/names.ts";
import { ImageList, OperatorRoute } from "../../../shared/control/operator-api.ts";
import { nameOption } from "../option-values.ts";
import { sizeText } from "../quantity-text.ts";
import { table } from "../layout.ts";
import { stdout } from "../terminal.io.ts";
import { lineTo, remote } from "./remote-options.io.ts";
import type { RemoteOptions } from "./remote-options.io.ts";

/** Describes `huck image list` on a fresh command, which it gives back. */
export function listImagesCommand(command: Command): Command {
  return remote(command).action(async (options: RemoteOptions) => {
    const { images, torn } = await lineTo(options).get(OperatorRoute.images, ImageList);
    if (options.json === true) {
      for (const image of images) stdout.printJson({ kind: "image", ...image });
      for (const file of torn) stdout.printJson({ kind: "torn", file });
      return;
    }
    const rows = images.map((image) => [
      image.name,
      image.id.slice(0, 12),
      sizeText(image.fileBytes),
      sizeText(image.usedBytes),
      sizeText(image.diskBytes),
      image.createdAt.slice(0, 16).replace("T", " "),
    ]);
    for (const text of table([HEAD, ...rows], { columns: stdout.columns, drop: DROP }))
      stdout.print(text);
    for (const file of torn) stdout.print(`${file}: no complete image`);
  });
}

/** Describes `huck image trash` on a fresh command, which it gives back. */
export function trashImageCommand(command: Command): Command {
  return remote(command)
    .argument("<name>", "the image", nameOption("<name>", ImageName))
    .action(async (image: string, options: RemoteOptions) => {
      await lineTo(options).delete(`${OperatorRoute.images}/${encodeURIComponent(image)}`);
      if (options.json === true) stdout.printJson({ kind: "trashed", image });
      else
        stdout.print(`${image} is in the trash: folder .trash of the store, until you remove it`);
    });
}

const HEAD = ["name", "id", "file", "used", "disk", "saved (UTC)"];
const DROP = ["id", "used", "disk", "file"];
