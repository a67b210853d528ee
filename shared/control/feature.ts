/**
 * Features: how two ends of different versions find out what they may say to each other.
 *
 * The schemas frozen in test/vectors/control are what every version understands. Whatever a later
 * version adds has a feature's name, and is said only to an end that named this feature: a receiver
 * in its join, the server in its answer to a join and in its status. An end that names none is told
 * nothing that the frozen schemas lack.
 */
import * as z from "zod";

/** Names of features; absent means none. A name that is not known is passed over. */
export const Features = z
  .array(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "a feature like long-disks"))
  .max(64)
  .default([]);

/** What this version knows beyond the frozen schemas. */
export const FEATURES: readonly string[] = [];

/** Which feature a field of an order belongs to; a field that is not listed was frozen. */
type FieldFeatures = Readonly<Record<string, string>>;
const FIELD_FEATURES: FieldFeatures = {};

/**
 * Names the features without which nobody may obey.
 *
 * @param spec - Fields of an order.
 * @param plain - The same spec with every field at its default.
 * @param fields - Which feature each field belongs to.
 * @returns One for each field that says something else than its default.
 */
export function featuresNeeded(
  spec: Readonly<Record<string, unknown>>,
  plain: Readonly<Record<string, unknown>>,
  fields: FieldFeatures = FIELD_FEATURES,
): string[] {
  const needed = Object.entries(fields).filter(
    ([field]) => JSON.stringify(spec[field]) !== JSON.stringify(plain[field]),
  );
  return [...new Set(needed.map(([, feature]) => feature))];
}

/**
 * Leaves out what the other end cannot know.
 *
 * @param message - Any; a field that is left out must be at its default.
 * @param known - Features that the other end named.
 * @param fields - Which feature each field belongs to.
 * @returns The message as that end may be told it.
 */
export function toldTo<T extends object>(
  message: T,
  known: readonly string[],
  fields: FieldFeatures = FIELD_FEATURES,
): T {
  const told = Object.entries(message).filter(([field]) => {
    const feature = Object.hasOwn(fields, field) ? fields[field] : undefined;
    return feature === undefined || known.includes(feature);
  });
  return Object.fromEntries(told) as T;
}
