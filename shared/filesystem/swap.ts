/**
 * Reader of Linux swap areas: the header page is kept; the rest holds nothing that outlives a
 * shutdown.
 *
 * Layout: Linux include/linux/swap.h, union swap_header. The signature ends the first page, so its
 * place tells the page size. A suspended system writes its own signature over it: such an area
 * holds a whole running system, and a restore to another computer would resume that system there.
 */
import type { FsReader } from "./reader.ts";
import { cleanMap, keepAll, uuidText } from "./report.ts";
import { ByteReader } from "../core/bytes.ts";
import { readBytes, type SectorSource } from "../disk/source.ts";
import { UsedMap } from "./used-map.ts";

/** Page sizes of Linux's architectures. Unit: bytes. */
const PAGE_SIZES: readonly number[] = [4096, 8192, 16384, 65536];
const SIGNATURE_BYTES = 10;
const SIGNATURE = "SWAPSPACE2";
/** Signatures of suspend to disk: kernel, user-space tools, TuxOnIce. */
const SUSPENDED: readonly string[] = ["S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001"];
/** Offset of version, last page, bad pages, UUID and label. Unit: bytes. */
const INFO_OFFSET = 1024;

export const swapReader: FsReader = {
  kind: "swap",
  recognises: (source) => findSignature(source) !== undefined,
  read(source) {
    const found = findSignature(source);
    const pageBytes = found?.pageBytes ?? 0;
    const plain = { kind: "swap", features: [], blockBytes: pageBytes, uuid: "", label: "" };
    if (found === undefined) return keepAll(source, plain, "unknown", "it has no signature");
    if (found.signature !== SIGNATURE) {
      return keepAll(source, plain, "dirty", `a suspended system lies in it (${found.signature})`);
    }
    const reader = new ByteReader(readBytes(source, 0, pageBytes), "swap header", INFO_OFFSET);
    const version = reader.u32le();
    const lastPage = reader.u32le();
    const uuid = uuidText(reader.skip(4).view(16));
    const identity = { ...plain, uuid, label: reader.latin1(16) };
    const end = source.sectorCount * source.sectorBytes;
    if (version !== 1) return keepAll(source, identity, "unknown", `its version is ${version}`);
    const areaEnd = (lastPage + 1) * pageBytes;
    if (areaEnd > end)
      return keepAll(source, identity, "unknown", "it is larger than the partition");
    const used = new UsedMap();
    used.add(0, pageBytes);
    return cleanMap(source, identity, used, areaEnd);
  },
};

function findSignature(
  source: SectorSource,
): { readonly pageBytes: number; readonly signature: string } | undefined {
  for (const pageBytes of PAGE_SIZES) {
    if (source.sectorCount * source.sectorBytes < pageBytes) return undefined;
    const bytes = readBytes(source, pageBytes - SIGNATURE_BYTES, SIGNATURE_BYTES);
    const signature = new ByteReader(bytes, "swap signature").latin1(SIGNATURE_BYTES);
    if (signature === SIGNATURE || SUSPENDED.includes(signature)) return { pageBytes, signature };
  }
  return undefined;
}
