/**
 * The order key: the Ed25519 key in the state folder that signs every order (CONTROL.md section 3).
 *
 * The key can order disks to be written, so only the owner of the file may read it; we refuse a
 * file that others can read. Receivers get the public half on their kernel command line.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { statSync } from "node:fs";
import path from "node:path";
import { SPKI_ED25519_PREFIX } from "../../shared/control/order.ts";
import { SituationError } from "../../shared/core/errors.ts";
import { readTextFile } from "../../shared/linux/text-file.io.ts";
import { makeWholeFile } from "../../shared/linux/whole-file.io.ts";
import { stateFault } from "./state-fault.ts";
import { openStateFolder } from "./state-folder.io.ts";

export interface OrderKey {
  readonly privateKey: KeyObject;
  /** The public key: 32 bytes as hexadecimal. */
  readonly publicHex: string;
  /** True if this call made the key. */
  readonly fresh: boolean;
  /** What the admin should change about the folder, one sentence each; normally empty. */
  readonly notes: readonly string[];
}

/**
 * Reads the order key; makes one if there is none.
 *
 * @param stateFolder - Made with mode 0700 if it is missing.
 * @throws {@link SituationError} `key_exposed`, `key_damaged`, `state_unwritable`.
 */
export function openOrderKey(stateFolder: string): OrderKey {
  const notes = openStateFolder(stateFolder);
  const file = path.join(stateFolder, "order-key.pem");
  const fresh = makeIfMissing(file);
  if ((statSync(file).mode & 0o077) !== 0) {
    throw new SituationError(
      "key_exposed",
      `Cannot use "${file}": others than its owner may read it`,
      {
        cure: "If nobody did, chmod 600 it; else remove it, and a new key is made.",
      },
    );
  }
  const privateKey = readKey(file);
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return {
    privateKey,
    publicHex: spki.subarray(SPKI_ED25519_PREFIX.length).toString("hex"),
    fresh,
    notes,
  };
}

function makeIfMissing(file: string): boolean {
  try {
    return makeWholeFile(file, newKey, 0o600);
  } catch (cause) {
    throw stateFault(`write "${file}"`, cause);
  }
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return privateKey.export({ format: "pem", type: "pkcs8" }).toString();
}

/** @throws {@link SituationError} `key_damaged`. */
function readKey(file: string): KeyObject {
  try {
    const key = createPrivateKey(readTextFile(file, KEY_BYTES_MAX));
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch (cause) {
    throw damaged(file, { cause });
  }
  throw damaged(file, {});
}

function damaged(file: string, options: ErrorOptions): SituationError {
  return new SituationError("key_damaged", `Cannot use "${file}": it is no Ed25519 private key`, {
    cure: "Restore it from a backup, or remove it: a new key is made, and running orders end.",
    ...options,
  });
}

/** A PEM file of an Ed25519 key has 119 bytes. */
const KEY_BYTES_MAX = 4096;
