/**
 * Principal: who asked. Every request has one; a job keeps the one that began it.
 *
 * On this computer the kernel tells the uid of the process at the other end of the unix socket. A
 * node is known by its token. If neither is known, the principal is `unknown`.
 */
import * as z from "zod";
import { NodeName } from "./names.ts";

/** Name of a user in /etc/passwd. */
const UserName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/);

/** Who asked. A kind that only a later version knows is read as `unknown`. */
export const Principal = z
  .discriminatedUnion("kind", [
    z.object({
      kind: z.literal("local"),
      uid: z.number().int().min(0).max(0xffffffff),
      name: UserName.optional(),
    }),
    z.object({ kind: z.literal("node"), node: NodeName }),
    z.object({ kind: z.literal("unknown") }),
  ])
  .catch({ kind: "unknown" });
export type Principal = z.infer<typeof Principal>;

/** Names a principal: "root (uid 0)", "uid 1000", "node fit01". */
export function principalText(principal: Principal): string {
  switch (principal.kind) {
    case "local": {
      const { name, uid } = principal;
      return name === undefined ? `uid ${uid}` : `${name} (uid ${uid})`;
    }
    case "node":
      return `node ${principal.node}`;
    case "unknown":
      return "somebody unknown";
  }
}
