/**
 * Campaign: every partition table that we know how to make, through save, restore and save.
 *
 *   node test/campaigns/tables.ts [WORD]    only those whose name contains WORD
 */
import { runDisks } from "../rig/campaign.ts";
import { TABLES } from "../rig/partition-tables.ts";

await runDisks(TABLES);
