/**
 * Opens a published file, and checks that it still has the size that was published.
 */
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { SituationError } from "../../shared/core/errors.ts";
import type { BootAsset } from "./assets.ts";

export interface OpenAsset {
  /** The caller closes it. */
  readonly file: FileHandle;
  readonly modifiedMs: number;
}

/**
 * Opens a published file. It has the size that was published.
 *
 * @throws The system's error; {@link SituationError} `bad_boot_file` if its size is another one.
 */
export async function openAsset(asset: BootAsset): Promise<OpenAsset> {
  const file = await open(asset.path);
  try {
    const { size, mtimeMs } = await file.stat();
    if (size === asset.sizeBytes) return { file, modifiedMs: mtimeMs };
    throw new SituationError(
      "bad_boot_file",
      `Cannot serve "${asset.path}": ${size} bytes found, ${asset.sizeBytes} wanted`,
      { cure: "If it was built anew: it is published with the next job, or by a restart." },
    );
  } catch (error) {
    await file.close();
    throw error;
  }
}
