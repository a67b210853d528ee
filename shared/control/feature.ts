/**
 * Features: how two ends of different versions find out what they may say to each other.
 *
 * Every version understands the schemas frozen in test/vectors/control. What a later version adds
 * to a request or an order belongs to a named feature. It is said only to an end that has named
 * this feature: a receiver does so when it joins, the server in its answer to a join and in its
 * status. A reply or event may gain a member that an older reader can do without, which skips it.
 */
import * as z from "zod";

/** Names of features; absent means none. Names that we do not know are skipped. */
export const Features = z
  .array(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "a feature like long-disks"))
  .max(64)
  .default([]);

/** The features that this version knows. */
export const FEATURES: readonly string[] = ["keep-gaps"];

/** The feature that each field of an order belongs to; the frozen fields are not listed. */
type FieldFeatures = Readonly<Record<string, string>>;
const FIELD_FEATURES: FieldFeatures = { keepGaps: "keep-gaps" };

/**
 * The feature that each value of a field belongs to, by field: a new way to leave is `leave: {
 * kexec: "leave-kexec" }`. The frozen values are not listed.
 */
type ValueFeatures = Readonly<Record<string, Readonly<Record<string, string>>>>;
const VALUE_FEATURES: ValueFeatures = {};

/**
 * Names the features that a receiver must know in order to obey.
 *
 * @param spec - All fields of an order that an operator may set.
 * @param plain - The same fields at their default, if they have one.
 * @returns The features of all fields that are not at their default, and of all values; each once.
 */
export function featuresNeeded(
  spec: Readonly<Record<string, unknown>>,
  plain: Readonly<Record<string, unknown>>,
  { fields, values } = { fields: FIELD_FEATURES, values: VALUE_FEATURES },
): string[] {
  const ofFields = Object.entries(fields)
    .filter(([field]) => JSON.stringify(spec[field]) !== JSON.stringify(plain[field]))
    .map(([, feature]) => feature);
  const ofValues = Object.entries(values).flatMap(([field, features]) =>
    Object.entries(features)
      .filter(([value]) => spec[field] === value)
      .map(([, feature]) => feature),
  );
  return [...new Set([...ofFields, ...ofValues])];
}

/**
 * Leaves out the fields whose feature the other end has not named. Such a field must be at its
 * default.
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
