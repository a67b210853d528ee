/**
 * `huck image restore`: writes an image to a disk of this computer, or to a file.
 *
 * A file that does not exist is made. Whatever exists is erased only if --erase names it: a disk by
 * its serial number or WWN, because kernel names change between boots; a file, or a disk without
 * either, by its path. Without --erase only the plan is shown. If an error happens before a file
 * that was made here is written to, the file is removed again.
 */
import { randomUUID } from "node:crypto";
import { codeOf, SituationError } from "../../../shared/core/errors.ts";
import type { BlockDevice, DiskIdentity } from "../../../shared/disk/block-device.ts";
import { type CodecChoice, createChunkCodec } from "../../../shared/image/codec.ts";
import { checkFits } from "../../../shared/image/place-image.ts";
import type { ImageIndex } from "../../../shared/image/reader.ts";
import { restoreImage, type RestoreResult } from "../../../shared/image/restore.ts";
import { openBlockDevice } from "../../../shared/linux/block-device.io.ts";
import type { TerminalReporter } from "../terminal-reporter.io.ts";
import { sizeText } from "../quantity-text.ts";
import { createTargetFile, openSource, removeTargetFile, targetKind } from "./disk-source.io.ts";
import { openPlaces } from "../../store/image-file.io.ts";
import { openImageAt } from "../../store/open-images.io.ts";
import { tieBetween } from "./storage-beneath.io.ts";
import { progressLine } from "./image-progress.io.ts";

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
 * not boot.
 *
 * @throws SituationError `target_holds_image`, `erase_not_confirmed`, `disk_too_small`,
 *   `disk_in_use` and others of `restoreImage`.
 */
export async function restoreLocally(
  task: RestoreTask,
  reporter: TerminalReporter,
  signal: AbortSignal,
): Promise<RestoreResult> {
  const { index, places, ...opened } = await openImageAt(task.image);
  const file = openPlaces(places);
  opened.close();
  try {
    const codec = await createChunkCodec(task.codec);
    const target = openTarget(task, index, reporter);
    try {
      const line = progressLine(reporter, () => performance.now());
      const options = { orderId: randomUUID(), verify: task.verify, signal };
      return await restoreImage({ file, index, codec }, target.device, {
        ...options,
        async progress(phase, done, total) {
          line(phase, done, total);
          await new Promise((resolve) => setImmediate(resolve)); // lets Ctrl-C take effect
        },
      });
    } catch (error) {
      target.giveUp();
      throw error;
    } finally {
      target.device.close();
    }
  } finally {
    file.close();
  }
}

/** The open disk or file that is written to. */
interface Target {
  readonly device: BlockDevice;
  /** Call it after an error: removes a file that was made here and has not been written to. */
  giveUp(): void;
}

function openTarget(task: RestoreTask, index: ImageIndex, reporter: TerminalReporter): Target {
  const kind = targetKind(task.target);
  if (kind === "nothing") return openNewFile(task.target, index.manifest.disk);
  const tie = tieBetween(task.target, task.image);
  if (tie !== undefined) throw holdsImage(task.target, tie);
  const { sectorBytes } = index.manifest.disk;
  const device = openUnused(task.target, kind, sectorBytes);
  try {
    const file = device.identity.bus === "file";
    const sized = file ? withSectors(device, sectorBytes, nothing) : device;
    checkFits(index.manifest, sized.identity);
    confirm(task, sized.identity, reporter);
    return { device: sized, giveUp: nothing };
  } catch (error) {
    device.close();
    throw error;
  }
}

/**
 * Makes a file and opens it. After an error the file is removed, because otherwise a second try
 * would be refused: the file would exist.
 *
 * @throws {@link SituationError} `not_permitted`; a system error. Then no new file is left behind.
 */
function openNewFile(path: string, disk: ImageIndex["manifest"]["disk"]): Target {
  let touched = false;
  const giveUp = (): void => {
    if (!touched) removeTargetFile(path);
  };
  createTargetFile(path, disk.sizeBytes);
  try {
    const device = withSectors(openUnused(path, "file", disk.sectorBytes), disk.sectorBytes, () => {
      touched = true;
    });
    return { device, giveUp };
  } catch (error) {
    giveUp();
    throw error;
  }
}

function nothing(): void {
  // What already existed is not removed.
}

/** @throws {@link SituationError} `disk_in_use`, `not_permitted`. */
function openUnused(
  target: string,
  kind: ReturnType<typeof targetKind>,
  fileSectorBytes: number,
): BlockDevice {
  const uses = kind === "file" ? usesOfFile(target) : [];
  if (uses.length > 0) throw inUse(target, uses.join(", "));
  try {
    return openBlockDevice(target, { fileSectorBytes });
  } catch (error) {
    const code = codeOf(error);
    if (code === "EBUSY") throw inUse(target, "it is mounted or held by the system");
    if (code !== "EACCES" && code !== "EPERM") throw error;
    throw new SituationError("not_permitted", `Cannot write "${target}": the system forbids it`, {
      cause: error,
      cure: "Run as root, or as a user who may write that disk",
    });
  }
}

/** Uses of a file that a loop device has made into a disk, which may be mounted. */
function usesOfFile(target: string): readonly string[] {
  const source = openSource(target);
  source.close();
  return source.writers;
}

function holdsImage(target: string, why: string): SituationError {
  return new SituationError("target_holds_image", `Cannot write "${target}": ${why}`, {
    cure: "Name another target, or copy the image to another disk first",
  });
}

function inUse(target: string, why: string): SituationError {
  return new SituationError("disk_in_use", `Cannot write "${target}": ${why}`, {
    cure: "Unmount it, or release what holds it, and try again",
  });
}

/** @throws {@link SituationError} `erase_not_confirmed`. */
function confirm(task: RestoreTask, disk: DiskIdentity, reporter: TerminalReporter): void {
  const names = [disk.serial, disk.wwn].filter((name) => name !== "");
  const wanted = names[0] ?? task.target;
  if (task.erase !== undefined && [...names, wanted].includes(task.erase)) return;
  const what = disk.bus === "file" ? "file" : `disk ${disk.model}`.trim();
  reporter.event(
    `Would erase the ${what} "${task.target}" (${sizeText(disk.sizeBytes)}, ` +
      `serial "${disk.serial}")`,
    { event: "plan", target: task.target, serial: disk.serial, sizeBytes: disk.sizeBytes },
  );
  const found = task.erase === undefined ? "is missing" : "names another";
  throw new SituationError(
    "erase_not_confirmed",
    `Cannot write "${task.target}": it exists, and --erase ${found}`,
    { cure: `To erase it, repeat the command with: --erase "${wanted}"` },
  );
}

/**
 * Gives a file the sector size that its content was made for. Calls `onWrite` before each change.
 */
function withSectors(device: BlockDevice, sectorBytes: number, onWrite: () => void): BlockDevice {
  const scale = sectorBytes / device.sectorBytes;
  const sectorCount = Math.floor(device.sectorCount / scale);
  const sizeBytes = sectorCount * sectorBytes;
  return {
    identity: { ...device.identity, sectorBytes, sizeBytes },
    alignment: device.alignment,
    sectorBytes,
    sectorCount,
    read: (lba, into) => {
      device.read(lba * scale, into);
    },
    write: (offset, bytes) => {
      onWrite();
      device.write(offset, bytes);
    },
    discard: (offset, length) => {
      onWrite();
      return device.discard(offset, length);
    },
    flush: () => {
      device.flush();
    },
    dropCache: () => {
      device.dropCache();
    },
    rereadTable: () => device.rereadTable(),
    close: () => {
      device.close();
    },
  };
}
