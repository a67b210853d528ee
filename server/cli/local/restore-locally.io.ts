/**
 * `huck image restore`: writes an image to a disk of this computer, or to a file.
 *
 * restore-target.io.ts opens what is written to. As soon as it was touched, an error says so and
 * ends in exit code 1: the disk is incomplete, not refused (promise P15).
 */
import { randomUUID } from "node:crypto";
import { codeOf, SituationError } from "../../../shared/core/errors.ts";
import { openCodecPool } from "../../../shared/image/codec-pool.io.ts";
import { type CodecChoice, createChunkCodec } from "../../../shared/image/codec.ts";
import { checkFits, targetSize } from "../../../shared/image/place-image.ts";
import type { ImageBytes, ImageIndex } from "../../../shared/image/reader.ts";
import { restoreImage, type RestoreResult } from "../../../shared/image/restore.ts";
import { openPlaces } from "../../store/image-file.io.ts";
import { endOfBegunWork, endOfUntouched, imageFailure, withPath } from "../system-error.ts";
import type { TerminalReporter } from "../terminal-reporter.io.ts";
import { targetKind } from "./disk-source.io.ts";
import { openImageNamed } from "./image-named.io.ts";
import { progressLine } from "./image-progress.io.ts";
import { tieBetween } from "./storage-beneath.io.ts";
import { confirmErase, openRestoreTarget } from "./restore-target.io.ts";
import type { RestoreTarget } from "./restore-target.io.ts";

/** What to restore, where to, and how. */
export interface RestoreTask {
  /** Path of the image file. */
  readonly image: string;
  /** Path of the disk or file. */
  readonly target: string;
  /** Name of what may be erased, as typed; undefined: only show the plan. */
  readonly erase?: string;
  readonly verify: "sample" | "full";
  readonly codec: CodecChoice;
}

/**
 * Restores an image, and reports the plan and the progress. If the signal stops it, the disk does
 * not boot, and a file that would have been made is not there.
 *
 * @throws SituationError `target_holds_image`, `erase_not_confirmed`, `disk_too_small`,
 *   `disk_in_use` and others of `restoreImage`; with exit code 1 once the target was touched.
 */
export async function restoreLocally(
  task: RestoreTask,
  reporter: TerminalReporter,
  signal: AbortSignal,
): Promise<RestoreResult & { readonly id: string }> {
  const { index, places, summary, ...opened } = await openImageNamed(task.image);
  const file = openPlaces(places);
  opened.close();
  try {
    const target = openTarget(task, index);
    try {
      if (!target.isNew) {
        checkFits(index.manifest, targetSize(target.device));
        confirmErase(task, target.device.identity, reporter);
      }
      const result = await restoreTo(target, { task, file, index }, reporter, signal);
      target.keep();
      return { ...result, id: summary.id };
    } catch (error) {
      throw endOf(error, task, target);
    } finally {
      target.close();
    }
  } finally {
    file.close();
  }
}

function openTarget(task: RestoreTask, index: ImageIndex): RestoreTarget {
  try {
    const exists = targetKind(task.target) !== "nothing";
    const tie = exists ? tieBetween(task.target, task.image) : undefined;
    if (tie !== undefined) throw holdsImage(task.target, tie);
    return openRestoreTarget(task.target, index.manifest.disk);
  } catch (error) {
    throw endOfUntouched(error);
  }
}

interface OpenTask {
  readonly task: RestoreTask;
  readonly file: ImageBytes;
  readonly index: ImageIndex;
}

async function restoreTo(
  { device }: RestoreTarget,
  { task, file, index }: OpenTask,
  reporter: TerminalReporter,
  signal: AbortSignal,
): Promise<RestoreResult> {
  const codec = await createChunkCodec(task.codec);
  const pool = await openCodecPool(codec.name);
  const line = progressLine(reporter, () => performance.now());
  const read: ImageBytes["read"] = (offset, into) => {
    withPath(task.image, () => {
      file.read(offset, into);
    });
  };
  const image = { file: { fileBytes: file.fileBytes, read }, index, codec, pool };
  try {
    return await restoreImage(image, device, {
      orderId: randomUUID(),
      verify: task.verify,
      signal,
      async progress(phase, done, total) {
        line(phase, done, total);
        await new Promise((resolve) => setImmediate(resolve)); // lets Ctrl-C take effect
      },
    });
  } finally {
    await pool.close();
  }
}

/** The error of a restore, which says what has become of the target. */
function endOf(thrown: unknown, task: RestoreTask, { device, isNew }: RestoreTarget): unknown {
  const error = isOfTarget(thrown) ? thrown : imageFailure(task.image, thrown);
  if (!device.touched) return endOfUntouched(error);
  return endOfBegunWork(error, {
    state: isNew
      ? `"${task.target}" was not made`
      : `"${task.target}" is incomplete and does not boot`,
    cure: isNew ? "Nothing was kept; restore it again" : "Restore it again",
  });
}

/** What was read back from the target says nothing of the image. */
function isOfTarget(thrown: unknown): boolean {
  return codeOf(thrown) === "verify_mismatch";
}

function holdsImage(target: string, why: string): SituationError {
  return new SituationError("target_holds_image", `Cannot write "${target}": ${why}`, {
    cure: "Name another target, or copy the image to another disk first",
  });
}
