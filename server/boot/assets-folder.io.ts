/**
 * Reads the boot files of this computer: the build's folder with its manifest, and the admin's own
 * loaders.
 *
 * A file whose size is not what the manifest says belongs to another build, or is half a copy. It
 * is refused here, with its name, and not only when the first node fetches it.
 */
import { statSync } from "node:fs";
import path from "node:path";
import { readTextFile } from "../../shared/linux/text-file.io.ts";
import { foundText } from "../../shared/core/errno.ts";
import { SituationError } from "../../shared/core/errors.ts";
import { assetsOf } from "./assets.ts";
import type { BootAsset, BootAssets } from "./assets.ts";
import {
  BootFileName,
  LoaderArchitecture,
  BOOT_MANIFEST_BYTES_MAX,
  MANIFEST_NAME,
  parseBootManifest,
} from "./boot-manifest.ts";

export interface BootPlaces {
  /** The folder that `make initramfs` filled. */
  readonly folder: string;
  /** Absolute paths of loaders that replace the build's. */
  readonly loaders: Readonly<Partial<Record<LoaderArchitecture, string>>>;
}

/**
 * Reads the manifest and checks the sizes. The content of a file is read when it is fetched.
 *
 * @throws {@link SituationError} `no_boot_files`, `bad_boot_manifest`, `bad_boot_file`,
 *   `no_receiver`, each with its cure.
 */
export function readBootAssets(places: BootPlaces): BootAssets {
  const place = path.join(places.folder, MANIFEST_NAME);
  const { version, files } = parseBootManifest(manifestText(place), place);
  const built = files.map((file): BootAsset => {
    const asset = { ...file, path: path.join(places.folder, file.name) };
    const found = sizeOf(asset.path, REBUILD);
    if (found === file.sizeBytes) return asset;
    const wanted = `${found} bytes found, ${file.sizeBytes} wanted by its ${MANIFEST_NAME}`;
    throw badFile(asset.path, wanted, REBUILD);
  });
  return assetsOf(version, [...built, ...ownLoaders(places.loaders)]);
}

function manifestText(place: string): string {
  try {
    return readTextFile(place, BOOT_MANIFEST_BYTES_MAX);
  } catch (cause) {
    throw new SituationError("no_boot_files", `Cannot read "${place}": ${foundText(cause)}`, {
      cure: 'Run "make initramfs" and name its folder in server.bootFiles, or set dhcp mode off.',
      cause,
    });
  }
}

function ownLoaders(paths: BootPlaces["loaders"]): readonly BootAsset[] {
  return LoaderArchitecture.options.flatMap((architecture): BootAsset[] => {
    const file = paths[architecture];
    if (file === undefined) return [];
    const cure = `Correct server.loaders.${architecture} in huck.yaml.`;
    const name = path.basename(file);
    if (!BootFileName.safeParse(name).success) {
      throw badFile(file, "a name of letters, digits, dots and dashes wanted", cure);
    }
    return [{ role: "loader", architecture, name, path: file, sizeBytes: sizeOf(file, cure) }];
  });
}

/** @throws {@link SituationError} `bad_boot_file` if it is not a plain file. */
function sizeOf(file: string, cure: string): number {
  try {
    const found = statSync(file);
    if (found.isFile()) return found.size;
  } catch (cause) {
    throw badFile(file, foundText(cause), cure);
  }
  throw badFile(file, "it is no plain file", cure);
}

function badFile(file: string, found: string, cure: string): SituationError {
  return new SituationError("bad_boot_file", `Cannot publish "${file}": ${found}`, { cure });
}

const REBUILD = 'Run "make initramfs".';
