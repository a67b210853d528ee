/**
 * The version of this receiver, as the server shows it and images name it.
 */
import packageFile from "../package.json" with { type: "json" };

/** As in package.json. */
export const VERSION: string = packageFile.version;
