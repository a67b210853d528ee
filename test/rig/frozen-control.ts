/**
 * What is frozen in test/vectors/control: schemas, oldest first, and messages of each kind.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import { CONTROL_KINDS } from "./control-kinds.ts";
import type { ControlKind } from "./control-kinds.ts";

const FOLDER = path.resolve(import.meta.dirname, "../vectors/control");

/** One frozen kind. */
export interface Frozen {
  /** JSON schemas, the newest last: what an end of that version understands of this kind. */
  readonly schemas: readonly object[];
  readonly messages: readonly Record<string, unknown>[];
}

/** Names of all frozen kinds. */
export function frozenNames(): string[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(".json"));
  return files.map((file) => file.slice(0, -".json".length)).sort();
}

/** Reads a kind; an empty one if it is not frozen. */
export function frozen(name: string): Frozen {
  const file = path.join(FOLDER, `${name}.json`);
  if (!existsSync(file)) return { schemas: [], messages: [] };
  return JSON.parse(readFileSync(file, "utf8")) as Frozen;
}

/**
 * Gives the schema of a kind as it goes over the wire: a request before its defaults are filled in,
 * a reply with all its members. Neither has unknown members.
 */
export function wireSchema({ schema, direction }: ControlKind): object {
  const made = z.toJSONSchema(schema, {
    io: direction === "request" ? "input" : "output",
    override: ({ jsonSchema }) => {
      delete jsonSchema.default; // how a reader fills in an absent member is not part of it
    },
  });
  return JSON.parse(JSON.stringify(made)) as object;
}

/**
 * Says why a message does not fit the oldest frozen schema of its kind; undefined if it fits. A
 * reply may have more members than that schema, because readers skip what they do not know; a
 * request may not, and an order only by a feature.
 */
export function misfit(name: string, message: unknown): string | undefined {
  const [oldest = {}] = frozen(name).schemas;
  const isOpen = CONTROL_KINDS[name]?.direction === "reply" && name !== "order";
  const schema = isOpen ? opened(oldest) : oldest;
  const parsed = z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema).safeParse(message);
  return parsed.success ? undefined : `${name}: ${z.prettifyError(parsed.error)}`;
}

/** A schema that lets every object have more members. */
function opened(schema: object): object {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === "additionalProperties" && value === false ? undefined : value,
  ) as object;
}

/** Adds today's schemas and messages if they are not frozen yet; nothing frozen is removed. */
export function freezeAll(): void {
  for (const [name, kind] of Object.entries(CONTROL_KINDS)) {
    const { schemas, messages } = frozen(name);
    const all = {
      schemas: added(schemas, [wireSchema(kind)]),
      messages: added(messages, kind.messages),
    };
    writeFileSync(path.join(FOLDER, `${name}.json`), `${JSON.stringify(all, undefined, 1)}\n`);
  }
}

function added(old: readonly object[], today: readonly object[]): object[] {
  const known = new Set(old.map((one) => JSON.stringify(one)));
  return [...old, ...today.filter((one) => !known.has(JSON.stringify(one)))];
}
