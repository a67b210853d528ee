/**
 * Texts of `huck image`: what people read about an image and about the check of one.
 */
import { toHex } from "../../../shared/core/digest.ts";
import type { ImageIndex } from "../../../shared/image/reader.ts";
import type { ImageCheck, ImageProblem } from "../../../shared/image/verify.ts";
import { countText, sizeText } from "../quantity-text.ts";

/** Describes an image in lines for people. */
export function infoLines(index: ImageIndex): string[] {
  const { manifest, footer } = index;
  const { disk, saved, stats, requires } = manifest;
  const table = disk.table === "none" ? "no partition table" : disk.table.toUpperCase();
  return [
    `id         ${toHex(index.imageId)}`,
    `saved      ${saved.at} on ${saved.host} by ${saved.tool}`,
    `codec      ${saved.codec}, level ${saved.level}`,
    `disk       ${sizeText(disk.sizeBytes)}, sectors of ${disk.sectorBytes} bytes`,
    `table      ${table} ${disk.id}`,
    `needs      a disk of at least ${requires.minBytes} bytes (${sizeText(requires.minBytes)})`,
    `content    ${sizeText(stats.rawBytes)} in ${countText(stats.chunks, "chunk")}`,
    `stored     ${sizeText(footer.fileBytes)}`,
    ...manifest.partitions.map((one) => {
      const label = one.fs?.label === undefined || one.fs.label === "" ? "" : ` "${one.fs.label}"`;
      const kind = one.fs?.kind ?? one.type;
      const size = `${sizeText(one.usedBytes)} of ${sizeText(one.lengthBytes)}`;
      const number = String(one.number).padEnd(5);
      return `part ${number} ${kind}${label}, ${size}, ${one.mode}: ${one.why}`;
    }),
    ...manifest.warnings.map((warning) => `warning    ${warning}`),
  ];
}

/** Describes the outcome of a check in lines for people; the last one is the result. */
export function checkLines(check: ImageCheck): string[] {
  const verdict =
    check.problemCount === 0
      ? `${countText(check.chunks, "chunk")} ${check.chunks === 1 ? "is" : "are"} right`
      : `${countText(check.problemCount, "problem")} in ${countText(check.chunks, "chunk")}`;
  return [...check.problems.map(problemText), verdict];
}

function problemText({ message, chunk, partition, diskBytes }: ImageProblem): string {
  if (chunk === undefined || diskBytes === undefined) return message;
  const place = partition === 0 ? "outside partitions" : `partition ${partition ?? ""}`;
  return `${message} (${place}, disk bytes ${diskBytes[0]} to ${diskBytes[1]})`;
}
