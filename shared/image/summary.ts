/**
 * The summary of an image, as a listing shows it.
 *
 * A summary is made from footer and manifest alone, so that a folder of images can be listed
 * without reading their tables. Its id is the one in the footer; that the chunks match it is proven
 * when the image is opened.
 */
import { toHex } from "../core/digest.ts";
import { FormatError } from "../core/errors.ts";
import type { ByteCount } from "../core/units.ts";
import type { ImageOutline } from "./reader.ts";

export interface ImageSummary {
  /** Name under which it is kept: 1 .. 100 of [A-Za-z0-9._-], not beginning with a dot or dash. */
  readonly name: string;
  /** Image id: BLAKE3 of the content record, 64 hexadecimal digits. */
  readonly id: string;
  /** Length of the image file. Unit: bytes. */
  readonly fileBytes: ByteCount;
  /** Size of the disk it was taken from. Unit: bytes. */
  readonly diskBytes: ByteCount;
  /** Bytes of disk content inside. */
  readonly usedBytes: ByteCount;
  /** When it was saved: RFC 3339 in UTC with milliseconds. */
  readonly createdAt: string;
}

/** @throws {@link FormatError} `bad_manifest` if the time is none. */
export function summaryOf(name: string, outline: ImageOutline): ImageSummary {
  const { manifest, footer } = outline;
  return {
    name,
    id: toHex(footer.imageId),
    fileBytes: footer.fileBytes,
    diskBytes: manifest.disk.sizeBytes,
    usedBytes: manifest.stats.rawBytes,
    createdAt: timeOf(manifest.saved.at),
  };
}

/** A manifest may write its time without milliseconds; listings always show them. */
function timeOf(text: string): string {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw new FormatError("bad_manifest", `Cannot read manifest: it was saved at "${text}"`);
}
