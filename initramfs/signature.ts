/**
 * Checks who signed a Debian mirror's InRelease file, and gives the text that was signed.
 *
 * Only the text between the marks of the signature is signed, so we take the text that `gpgv`
 * prints and never read it from the file ourselves. Without gpgv or Debian's keyring, the unchecked
 * text is returned, and the caller tells the user. Format: RFC 9580 section 7.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SituationError } from "../shared/core/errors.ts";

/**
 * Finds Debian's keyring on the builder.
 *
 * @returns Its path; undefined when it or `gpgv` is missing.
 */
export function debianKeyring(): string | undefined {
  if (spawnSync("gpgv", ["--version"]).status !== 0) return undefined;
  return KEYRINGS.find((file) => existsSync(file));
}

/**
 * Reads an InRelease file.
 *
 * @param inRelease - The file, at most {@link RELEASE_MAX} bytes.
 * @param keyring - Keys to trust, or undefined to trust the mirror.
 * @returns The signed text.
 * @throws {@link SituationError} `bad_signature` when no key of the keyring made a valid
 *   signature, or any signature is wrong.
 */
export function readInRelease(inRelease: Uint8Array, keyring: string | undefined): string {
  if (keyring === undefined) {
    const body = Buffer.from(inRelease).toString("utf8").split(SIGNATURE_MARK)[0] ?? "";
    return body.slice(body.indexOf("\n\n") + 2);
  }
  const folder = mkdtempSync(join(tmpdir(), "huck-release-"));
  try {
    const file = join(folder, "InRelease");
    writeFileSync(file, inRelease);
    const run = spawnSync("gpgv", ["--status-fd=2", "--keyring", keyring, "--output", "-", file], {
      encoding: "utf8",
      maxBuffer: RELEASE_MAX,
    });
    // One good signature is enough: a release is also signed with keys newer than the builder.
    const good = run.stderr.includes("[GNUPG:] VALIDSIG ");
    if (good && !run.stderr.includes("[GNUPG:] BADSIG ")) return run.stdout;
    throw new SituationError(
      "bad_signature",
      `Cannot trust the mirror's index: no valid signature by a key of "${keyring}" found`,
      { cure: "Update the package debian-archive-keyring, or ask another mirror." },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Longest InRelease accepted; Debian's has 150 kB. Unit: bytes. */
export const RELEASE_MAX: number = 8 * 1024 * 1024;

const SIGNATURE_MARK = "-----BEGIN PGP SIGNATURE-----";

const KEYRINGS = [
  "/usr/share/keyrings/debian-archive-keyring.gpg",
  "/usr/share/keyrings/debian-archive-keyring.pgp",
];
