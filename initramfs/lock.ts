/**
 * `inputs.lock`: everything foreign that goes into the boot files, by version and digest.
 *
 * A build takes nothing that is not named here with size and SHA-256, so two builds of one commit
 * have equal inputs wherever and whenever they run. Paths are relative to a mirror or a package,
 * because a lock file that names hosts is wrong on the next site. The file is JSON; `UPDATE=1 make
 * initramfs` writes it (resolve.ts).
 */
import { z } from "zod";
import { FormatError } from "../shared/core/errors.ts";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const sizeBytes = z.number().int().positive().max(1_073_741_824);
const name = z.string().regex(/^[A-Za-z0-9@][A-Za-z0-9@/+.-]{0,127}$/);
const version = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.+:~-]{0,127}$/);
/** Relative, no empty, "." or ".." part: it is joined to a base address or a folder. */
const path = z
  .string()
  .max(512)
  .regex(/^(?!.*(^|\/)\.{0,2}(\/|$))[A-Za-z0-9_.+:~@/-]+$/);

const common = { package: name, version, path, sizeBytes, sha256 };

const debianInput = z.strictObject({
  role: z.enum(["kernel", "libc", "libstdc++", "libgcc", "ipxe"]),
  suite: z.string().regex(/^[a-z][a-z-]{0,63}$/),
  ...common,
});

const npmInput = z.strictObject({
  role: z.enum(["nodejs", "koffi", "blake-hash"]),
  ...common,
});

const lockFile = z.strictObject({
  format: z.literal(1),
  debian: z.array(debianInput).readonly(),
  npm: z.array(npmInput).readonly(),
});

/** A Debian package; `path` is relative to a mirror ("pool/..."). */
export type DebianInput = z.infer<typeof debianInput>;

/** One file of an npm package; `path` is relative to the package's folder. */
export type NpmInput = z.infer<typeof npmInput>;

/** The whole file. */
export type InputsLock = z.infer<typeof lockFile>;

/** Any input of {@link InputsLock} that has a role. */
export type Role = DebianInput["role"] | NpmInput["role"];

/**
 * Parses the lock file.
 *
 * @param text - The file.
 * @returns Inputs; each role is there exactly once.
 * @throws {@link FormatError} `inputs_lock`.
 */
export function parseLock(text: string): InputsLock {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError("inputs_lock", "Cannot read inputs.lock: not JSON, JSON wanted", {
      cause,
    });
  }
  const parsed = lockFile.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const at = issue?.path.join(".") ?? "";
    throw bad(`"${at}" is wrong (${issue?.message ?? "unknown"})`);
  }
  const lock = parsed.data;
  const roles: Role[] = [...lock.debian, ...lock.npm].map(({ role }) => role);
  for (const role of ROLES) {
    const count = roles.filter((other) => other === role).length;
    if (count !== 1) throw bad(`${count} inputs have role "${role}", one wanted`);
  }
  return lock;
}

/**
 * Writes the lock file: the schema's order of fields, so that a diff shows what changed.
 *
 * @param lock - Inputs in the order to keep.
 * @returns Text that {@link parseLock} reads.
 */
export function formatLock(lock: InputsLock): string {
  return `${JSON.stringify(lockFile.parse(lock), null, 2)}\n`;
}

/**
 * Finds the input of a role.
 *
 * @param inputs - `lock.debian` or `lock.npm`.
 * @param role - One of its roles.
 * @returns The input.
 * @throws {@link FormatError} `inputs_lock` when none has it; never after {@link parseLock}.
 */
export function inputOf<T extends { role: Role }>(inputs: readonly T[], role: T["role"]): T {
  const found = inputs.find((input) => input.role === role);
  if (found === undefined) throw bad(`no input has role "${role}", one wanted`);
  return found;
}

function bad(found: string): FormatError {
  return new FormatError("inputs_lock", `Cannot read inputs.lock: ${found}`);
}

const ROLES: readonly Role[] = [...debianInput.shape.role.options, ...npmInput.shape.role.options];
