/**
 * Opens what `huck image restore` writes to: a disk, a file that exists, or a new file.
 *
 * Whatever exists is erased only if --erase names it: a disk by its serial number or WWN, because
 * kernel names change between boots; a file, or a disk without either, by its path. A new file has
 * another name until it is complete, so a restore that is killed leaves no half disk under the name
 * that was typed; the next restore to that name takes its place.
 */
import assert from "node:assert/strict";
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
} from "node:fs";
import path from "node:path";
import { SituationError, codeOf } from "../../../shared/core/errors.ts";
import type { BlockDevice, DiskIdentity } from "../../../shared/disk/block-device.ts";
import type { Manifest } from "../../../shared/image/manifest.ts";
import { openBlockDevice } from "../../../shared/linux/block-device.io.ts";
import { lockFile } from "../../../shared/linux/file-lock.io.ts";
import { syncFolder } from "../../../shared/linux/sync-folder.io.ts";
import { sizeText } from "../quantity-text.ts";
import type { TerminalReporter } from "../terminal-reporter.io.ts";
import { openSource, targetKind } from "./disk-source.io.ts";
import { TargetDevice } from "./target-device.ts";

/** The open disk or file that is written to. */
export interface RestoreTarget {
  readonly device: TargetDevice;
  /** True for a file that has not got its name yet. */
  readonly isNew: boolean;
  /** Gives a new file its name: all of it is right. */
  keep(): void;
  /** Closes it, and removes a new file that was not kept. */
  close(): void;
}

/**
 * Opens a target. Nothing that exists is changed.
 *
 * @param target - As it was typed.
 * @param disk - Size and sectors of a new file, and sectors of any file.
 * @throws SituationError `not_a_disk`, `disk_in_use`, `not_permitted`, `target_busy`; a system
 *   error. Then no new file is left behind.
 */
export function openRestoreTarget(target: string, disk: Manifest["disk"]): RestoreTarget {
  const kind = targetKind(target);
  if (kind === "nothing") return openNewFile(target, disk);
  const opened = openUnused(target, disk.sectorBytes);
  const { sectorBytes } = opened.identity.bus === "file" ? disk : opened;
  const device = new TargetDevice(opened, { path: target, sectorBytes });
  return {
    device,
    isNew: false,
    keep: () => undefined,
    close: () => {
      device.close();
    },
  };
}

/**
 * Tells what a file or disk is that exists; it is opened and closed again.
 *
 * @throws SituationError `not_a_disk`, `disk_in_use`, `not_permitted`; a system error.
 */
export function identityOfTarget(target: string): DiskIdentity {
  const kind = targetKind(target);
  assert(kind !== "nothing", `"${target}" does not exist`);
  const device = openUnused(target, 512);
  device.close();
  return device.identity;
}

/** @throws {@link SituationError} `erase_not_confirmed`. */
export function confirmErase(
  task: { readonly target: string; readonly erase?: string },
  disk: DiskIdentity,
  reporter: TerminalReporter,
): void {
  const names = [disk.serial, disk.wwn].filter((name) => name !== "");
  const wanted = names[0] ?? task.target;
  if (task.erase !== undefined && [...names, wanted].includes(task.erase)) return;
  const what = disk.bus === "file" ? "file" : `disk ${disk.model}`.trim();
  reporter.event(
    `Would erase the ${what} "${task.target}" (${sizeText(disk.sizeBytes)}, ` +
      `serial "${disk.serial}")`,
    { kind: "plan", target: task.target, serial: disk.serial, sizeBytes: disk.sizeBytes },
  );
  const found = task.erase === undefined ? "is missing" : "names another";
  throw new SituationError(
    "erase_not_confirmed",
    `Cannot write "${task.target}": it exists, and --erase ${found}`,
    { cure: `To erase it, repeat the command with: --erase "${wanted}"` },
  );
}

function openNewFile(target: string, { sizeBytes, sectorBytes }: Manifest["disk"]): RestoreTarget {
  if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) throw leadsNowhere(target);
  const part = `${target}${PART_SUFFIX}`;
  const fd = openPart(target, part);
  const remove = (): void => {
    rmSync(part, { force: true });
  };
  process.on("exit", remove); // a second signal may end the process at any moment
  let kept = false;
  const close = (): void => {
    try {
      if (!kept) remove();
    } finally {
      process.off("exit", remove);
      closeSync(fd);
    }
  };
  try {
    ftruncateSync(fd, 0);
    ftruncateSync(fd, sizeBytes);
    const device = new TargetDevice(openBlockDevice(part, { fileSectorBytes: sectorBytes }), {
      path: target,
      sectorBytes,
    });
    return {
      device,
      isNew: true,
      keep: () => {
        giveName(part, target);
        kept = true;
      },
      close: () => {
        device.close();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Opens the file under its first name; what a killed restore left there is taken over. */
function openPart(target: string, part: string): number {
  const fd = openSync(part, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  const isHeld = lockFile(fd) === "held";
  if (!isHeld && fstatSync(fd).nlink < 2) return fd;
  closeSync(fd);
  if (!isHeld) {
    rmSync(part, { force: true }); // a whole file has this as its second name: it must stay whole
    return openPart(target, part);
  }
  throw new SituationError(
    "target_busy",
    `Cannot write "${target}": another restore is making it at this moment`,
    { cure: "Wait until it has ended, or choose another name" },
  );
}

/** Gives the file its name unless something else has it by now; an error means that it has none. */
function giveName(part: string, target: string): void {
  let linked = true;
  try {
    linkSync(part, target);
  } catch (error) {
    if (!NO_LINKS.includes(codeOf(error) ?? "")) throw error;
    renameSync(part, target);
    linked = false;
  }
  try {
    syncFolder(path.dirname(target));
  } catch (error) {
    rmSync(target, { force: true });
    throw error;
  }
  if (linked) removeSecondName(part);
}

/** The file is whole: a second name that stays is removed by the next restore. */
function removeSecondName(part: string): void {
  try {
    unlinkSync(part);
  } catch {
    // see above
  }
}

/** @throws {@link SituationError} `disk_in_use`, `not_permitted`. */
function openUnused(target: string, fileSectorBytes: number): BlockDevice {
  const uses = usesOf(target);
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

/**
 * What writes to a disk or file. A loop device may have made a file into a disk, which may be
 * mounted, and so may another loop device over the file of this one.
 */
function usesOf(target: string): readonly string[] {
  const source = openSource(target);
  source.close();
  return source.writers;
}

function inUse(target: string, why: string): SituationError {
  return new SituationError("disk_in_use", `Cannot write "${target}": ${why}`, {
    cure: "Unmount it, or release what holds it, and try again",
  });
}

function leadsNowhere(target: string): SituationError {
  return new SituationError(
    "not_a_disk",
    `Cannot write "${target}": it is a link to something that is not there`,
    { cure: "Name the disk or file itself, or remove the link" },
  );
}

/** Name of a new file while it is incomplete: the name that was typed, and this. */
const PART_SUFFIX = ".huck-part";
/** What file systems without hard links answer. */
const NO_LINKS: readonly string[] = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"];
