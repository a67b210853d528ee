/** A real HTTP server on loopback that serves a table of files, for the tests of fetching. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface LoopbackMirror {
  /** Base address, ending in "/". */
  readonly base: string;
  /** Paths asked for, decoded, in order. */
  readonly asked: string[];
  readonly close: () => Promise<void>;
}

export async function startMirror(
  files: ReadonlyMap<string, Uint8Array>,
  statusOfMissing = 404,
): Promise<LoopbackMirror> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? "/").slice(1));
    asked.push(path);
    const bytes = files.get(path);
    response.writeHead(bytes === undefined ? statusOfMissing : 200);
    response.end(bytes ?? "no");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { base: `http://127.0.0.1:${port}/`, asked, close };
}
