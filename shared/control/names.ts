/**
 * The small parts of all control messages: names, digests, ids, times.
 *
 * Each is a zod schema with a bound, so a message that was parsed is known to fit.
 */
import * as z from "zod";

/** Name of a node, as the operator types it. */
export const NodeName: z.ZodString = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "1 to 63 letters, digits, dots, dashes, underscores");
/** Name of an image in the store. */
export const ImageName: z.ZodString = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/,
    "1 to 100 letters, digits, dots, dashes, underscores",
  );
/** BLAKE3 digest as 64 lower-case hexadecimal digits; an image id is one. */
export const Digest: z.ZodString = z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits");
/** Random 128-bit id as 32 lower-case hexadecimal digits: orders, jobs, tokens, nonces, keys. */
export const Id128: z.ZodString = z.string().regex(/^[0-9a-f]{32}$/, "32 hexadecimal digits");
/** An {@link Id128}, or its first digits if no other begins with them. */
export const IdStart: z.ZodString = z
  .string()
  .regex(/^[0-9a-f]{1,32}$/, "an id of 32 hexadecimal digits, or the first of them");
/** Session id: 64 bits as 16 lower-case hexadecimal digits. */
export const SessionIdText: z.ZodString = z
  .string()
  .regex(/^[0-9a-f]{16}$/, "16 hexadecimal digits");
/** Ethernet address in lower case, colons between the bytes. */
export const MacAddress: z.ZodString = z
  .string()
  .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, "six bytes like 52:54:00:12:34:56");
/** A point in time: RFC 3339 in UTC with milliseconds, as Date.toISOString() writes it. */
export const Timestamp: z.ZodString = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, "a time like 2026-01-31T12:00:00.000Z");
export const Bytes: z.ZodNumber = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
/** Free text for people. */
export const Text: z.ZodString = z.string().max(1000);
