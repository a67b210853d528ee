/**
 * A process that runs only the boot services, for tests: it can be started inside a namespace.
 *
 * Its argument is a JSON object {interfaceName, table}. Each line it prints is a JSON object:
 * {ready}, {event}, {grant}, {problem} or {counters}. A line on its input is a new table, or
 * "counters". It ends when its input ends.
 */
import { createInterface } from "node:readline";
import { messageOf } from "../../shared/core/errors.ts";
import { startBoot } from "../../server/boot/boot-services.io.ts";
import { assetsOf } from "../../server/boot/assets.ts";
import type { BootAsset } from "../../server/boot/assets.ts";
import type { BootNetwork } from "../../server/boot/boot-network.ts";
import type { BootNode, BootTable } from "../../server/boot/boot-table.ts";
import { nextId } from "./seeded-bytes.ts";

/** Table and network as JSON; the network is read at the start only. */
export interface PlainTable {
  readonly network: BootNetwork;
  readonly nodes: Readonly<Record<string, BootNode>>;
  readonly assets: readonly BootAsset[];
}

function tableOf(plain: PlainTable): BootTable {
  return {
    assets: assetsOf("0.1.0", plain.assets),
    nodes: new Map(Object.entries(plain.nodes)),
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
  network: settings.table.network,
  table: tableOf(settings.table),
  grant: (request) => {
    const token = nextId().toString("hex");
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
  if (line === "counters") print({ counters: boot.counters() });
  else boot.update(tableOf(JSON.parse(line) as PlainTable));
}
await boot.close();
