/**
 * A process that runs the boot services alone, for tests: it can be started inside a namespace.
 *
 * Its argument is a JSON object {interfaceName, table} with the table's maps as objects. Each
 * line it prints is a JSON object: {ready}, {event}, {grant}, {problem} or {counters}. A line on
 * its input is a new table, or "counters". End of input ends it.
 */
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { messageOf } from "../../shared/core/errors.ts";
import { startBoot } from "../../server/boot/boot-services.io.ts";
import type { BootNetwork, BootNode, BootRoles, BootTable } from "../../server/boot/boot-table.ts";

/** A table as JSON. */
export interface PlainTable {
  readonly network: BootNetwork;
  readonly nodes: Readonly<Record<string, BootNode>>;
  readonly files: Readonly<Record<string, string>>;
  readonly roles: BootRoles;
}

function tableOf(plain: PlainTable): BootTable {
  return {
    ...plain,
    nodes: new Map(Object.entries(plain.nodes)),
    files: new Map(Object.entries(plain.files)),
  };
}

function print(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const settings = JSON.parse(process.argv[2] ?? "{}") as {
  interfaceName: string;
  table: PlainTable;
};
const boot = await startBoot({
  interfaceName: settings.interfaceName,
  table: tableOf(settings.table),
  grant: (request) => {
    const token = randomBytes(16).toString("hex");
    print({ grant: { ...request, token } });
    return Promise.resolve({ serverUrl: "http://10.77.0.1:8077", token, serverKey: "a2V5" });
  },
  event: (event) => {
    print({ event });
  },
  problem: (what, error) => {
    print({ problem: { what, message: messageOf(error) } });
  },
});
print({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "counters") print({ counters: boot.counters });
  else boot.update(tableOf(JSON.parse(line) as PlainTable));
}
await boot.close();
