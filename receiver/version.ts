/** The version of this receiver, as the server shows it and as images record it. */
import packageFile from "../package.json" with { type: "json" };

export const VERSION: string = packageFile.version;
