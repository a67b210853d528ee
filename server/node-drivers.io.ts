/**
 * The drivers that the entry of a node may name in huck.yaml, as config.ts is handed them.
 */
import type { NodeDrivers } from "./config.ts";
import { EnterSettings } from "./enter/enter-drivers.io.ts";
import { PowerSettings } from "./power/power-drivers.io.ts";

/** Every driver there is. */
export const NODE_DRIVERS: NodeDrivers = { power: PowerSettings, enter: EnterSettings };
