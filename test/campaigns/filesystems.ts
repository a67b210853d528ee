/**
 * Campaign: every file system that we read, in every form that its tools make, through save,
 * restore and save; the copy is checked by the file system's own tool.
 *
 *   node test/campaigns/filesystems.ts [WORD]    only those whose name contains WORD
 */
import { runDisks } from "../rig/campaign.ts";
import { FILE_SYSTEMS } from "../rig/file-systems.ts";

await runDisks(FILE_SYSTEMS);
