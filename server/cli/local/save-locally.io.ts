/**
 * `huck image save`: makes an image of a disk of this computer, or of a file that holds one.
 *
 * The source is opened read-only, and refused if anything may write to it. The image is a draft
 * until all of it was checked: what is stopped leaves nothing behind, and what is killed leaves a
 * draft, which the next use of the store removes.
 */
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { ByteCount } from "../../../shared/core/units.ts";
import { SituationError, codeOf } from "../../../shared/core/errors.ts";
import { type DiskPlan, planDisk } from "../../../shared/allocation/plan.ts";
import { captureImage } from "../../../shared/image/capture.ts";
import type { CodecChoice } from "../../../shared/image/codec.ts";
import { openCodecPool } from "../../../shared/image/codec-pool.io.ts";
import type { ImageDraft } from "../../../shared/image/store.ts";
import type { ImageSummary } from "../../../shared/image/summary.ts";
import { endOfBegunWork, endOfUntouched } from "../system-error.ts";
import type { TerminalReporter } from "../terminal-reporter.io.ts";
import { sizeText } from "../quantity-text.ts";
import { openSource, type OpenSource } from "./disk-source.io.ts";
import { openFolderStore } from "../../store/folder-store.io.ts";
import { foundKind } from "./found-kind.io.ts";
import { imagePlace, type ImagePlace } from "./image-place.ts";
import { progressLine } from "./image-progress.io.ts";

/** What to save, where to, and how. */
export interface SaveTask {
  /** Path of the disk or file. */
  readonly source: string;
  readonly place: ImagePlace;
  readonly rawIfDirty: boolean;
  /** Keep everything between partitions and behind file systems. */
  readonly keepGaps?: boolean;
  /** Sector size of a file, as the operator says; undefined: found out. */
  readonly sectorBytes?: 512 | 4096;
  /** zstd level, 1 .. 19. */
  readonly level: number;
  readonly codec: CodecChoice;
  /** Program and version, for the manifest. */
  readonly tool: string;
  /** Name of this computer, for the manifest. */
  readonly host: string;
}

/**
 * Saves an image, and reports warnings and progress. If the signal stops it, nothing is kept.
 *
 * @throws {@link SituationError} `source_is_image`, `not_a_disk`, `source_in_use`,
 *   `filesystem_dirty`, `image_too_large`, `image_exists`, `aborted`; FormatError for a source
 *   without a sector; system errors.
 */
export async function saveImage(
  task: SaveTask,
  reporter: TerminalReporter,
  signal: AbortSignal,
): Promise<ImageSummary> {
  const source = openUntouched(task);
  try {
    checkQuiet(task.source, source);
    // Before the disk is looked through, so that a bad name or place is told at once.
    const proof = { proofWorkers: availableParallelism() };
    const draft = await openFolderStore(task.place.folder, proof).draft(task.place.name);
    try {
      const { rawIfDirty, keepGaps = false } = task;
      const planned = planDisk(source, { rawIfDirty, keepGaps });
      const plan = { ...planned, warnings: [...source.warnings, ...planned.warnings] };
      for (const warning of plan.warnings) reporter.event(warning, { kind: "warning", warning });
      return await saveThrough(draft, { source, plan, task }, reporter, signal);
    } catch (error) {
      // Report only the first error; the next use of the store removes a draft that stays.
      await draft.abort().catch(() => undefined);
      throw endOfUntouched(error);
    }
  } finally {
    source.close();
  }
}

/** Opening reads the table; a disk that fails there is refused like any that cannot be opened. */
function openUntouched(task: SaveTask): OpenSource {
  refuseNoDisk(task);
  try {
    return openSource(task.source, task.sectorBytes);
  } catch (error) {
    throw endOfUntouched(error);
  }
}

/** @throws {@link SituationError} `not_a_disk` for an empty file, `source_is_image`. */
function refuseNoDisk({ source, place }: SaveTask): void {
  const found = foundKind(source);
  const what = `Cannot save "${source}"`;
  if (found === "empty") {
    throw new SituationError("not_a_disk", `${what}: it is empty (0 bytes), a disk wanted`, {
      cure: "Name a disk such as /dev/disk/by-id/..., or a file that holds one.",
    });
  }
  const image = found === "nothing" ? imagePlace(source, place.folder).file : source;
  if (foundKind(image) !== "image") return;
  const output = [place.name, join(place.folder, place.name)].find(
    (one) => foundKind(one) === "disk",
  );
  throw new SituationError("source_is_image", `${what}: "${image}" is an image, a disk wanted`, {
    cure:
      output === undefined
        ? "To write the image to a disk, run huck image restore; to copy it, cp."
        : `The arguments seem swapped: huck image save "${output}" -o "${source}".`,
  });
}

/** A source, and the plan of what to keep of it. */
interface SourcePlan {
  readonly source: OpenSource;
  readonly plan: DiskPlan;
  readonly task: SaveTask;
}

async function saveThrough(
  draft: ImageDraft,
  { source, plan, task }: SourcePlan,
  reporter: TerminalReporter,
  signal: AbortSignal,
): Promise<ImageSummary> {
  const line = progressLine(reporter, () => performance.now());
  const progress = (done: ByteCount, total: ByteCount, fileBytes: ByteCount): void => {
    line("saving", done, total, `${sizeText(fileBytes)} stored`);
  };
  const { level, tool, host } = task;
  const made = { uuid: randomBytes(16), nowMs: Date.now(), level, tool, host };
  const pool = await openCodecPool(task.codec);
  try {
    await captureImage(source, plan, { sink: draft, pool }, { ...made, signal, progress });
    return await draft.commit();
  } catch (error) {
    throw endOfSave(error, task);
  } finally {
    await pool.close();
  }
}

/** A save that was begun and has ended without an image is no refusal, but nothing was kept. */
function endOfSave(error: unknown, { place, source }: SaveTask): unknown {
  const code = codeOf(error) ?? "";
  if (BEFORE_OR_WHOLE.includes(code)) return error;
  return endOfBegunWork(error, {
    state: `nothing of "${source}" was kept as "${place.name}"`,
    cure: "Then save it again",
  });
}

/** Refused before the first byte, refused the name, or told by itself that nothing was kept. */
const BEFORE_OR_WHOLE: readonly string[] = ["image_too_large", "image_exists", "aborted"];

/** @throws {@link SituationError} `source_in_use`. */
function checkQuiet(path: string, source: OpenSource): void {
  if (source.writers.length === 0) return;
  throw new SituationError("source_in_use", `Cannot save "${path}": ${source.writers.join(", ")}`, {
    cure: "Unmount it or mount it read-only: a disk that changes meanwhile gives no true image",
  });
}
