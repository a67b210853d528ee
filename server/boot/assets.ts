/**
 * The files that nodes can boot: by name for the file servers, by part for the decisions.
 */
import { SituationError } from "../../shared/core/errors.ts";
import type { BootFile, LoaderArchitecture, Processor } from "./boot-manifest.ts";

/** `Omit` for each member of a union by itself, so that the result is still a union. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** A published file: its part, its path, and the size it must have. */
export type BootAsset = Without<BootFile, "sha256"> & {
  /** Absolute path on this computer. */
  readonly path: string;
};

/** What a node with one kind of processor fetches to become a receiver. */
export interface ReceiverAssets {
  readonly kernel: BootAsset;
  /** At least one, in the order in which they are unpacked. */
  readonly archives: readonly BootAsset[];
}

/** Everything that nodes can boot. Immutable. */
export interface BootAssets {
  /** Version of huck that built the receiver. */
  readonly version: string;
  /** By published name. No other file can be fetched. */
  readonly files: ReadonlyMap<string, BootAsset>;
  /** At least one. */
  readonly receivers: ReadonlyMap<Processor, ReceiverAssets>;
  readonly loaders: ReadonlyMap<LoaderArchitecture, BootAsset>;
}

/**
 * Sorts files by name and part.
 *
 * @param version - Version of huck that built the receiver.
 * @param list - All files. A later one replaces an earlier one of the same name, and an earlier
 *   loader for the same firmware.
 * @throws {@link SituationError} `no_receiver`: there is no kernel, or one without archives.
 */
export function assetsOf(version: string, list: readonly BootAsset[]): BootAssets {
  const files = new Map(list.map((asset) => [asset.name, asset]));
  const receivers = new Map<Processor, ReceiverAssets>();
  const loaders = new Map<LoaderArchitecture, BootAsset>();
  for (const asset of files.values()) {
    if (asset.role === "loader") loaders.set(asset.architecture, asset);
    if (asset.role !== "kernel") continue;
    const archives = archivesOf(asset.architecture, files.values());
    if (archives.length === 0) throw noReceiver(`"${asset.name}" has no archive beside it`);
    receivers.set(asset.architecture, { kernel: asset, archives });
  }
  if (receivers.size === 0) throw noReceiver("no file is its kernel");
  return { version, files, receivers, loaders };
}

function archivesOf(processor: Processor, files: Iterable<BootAsset>): readonly BootAsset[] {
  return [...files]
    .flatMap((asset) => (asset.role === "archive" ? [asset] : []))
    .filter(({ architecture }) => architecture === processor)
    .sort((left, right) => left.order - right.order);
}

function noReceiver(found: string): SituationError {
  const message = `Cannot boot the receiver: ${found}, a kernel and its archives wanted`;
  return new SituationError("no_receiver", message, { cure: 'Run "make initramfs".' });
}
