/**
 * Takes the uncompressed kernel (ELF "vmlinux") out of a vmlinuz.
 *
 * The header of a bzImage says where its payload lies (Linux, Documentation/arch/x86/boot.rst,
 * protocol 2.08: setup_sects, payload_offset, payload_length). Debian's payload is one zstd frame
 * followed by its uncompressed size. QEMU boots the ELF file through PVH without running the
 * decompressor. Other compressions are refused: huck's kernel is pinned.
 */
import { zstdDecompressSync } from "node:zlib";
import { ByteReader } from "../shared/core/bytes.ts";
import { FormatError } from "../shared/core/errors.ts";

/**
 * Unpacks a kernel.
 *
 * @param vmlinuz - The bzImage file.
 * @returns The ELF file.
 * @throws {@link FormatError} `bzimage_malformed`, `truncated`.
 */
export function unpackVmlinuz(vmlinuz: Uint8Array): Uint8Array {
  const reader = new ByteReader(vmlinuz, "bzImage");
  const setupSectors = reader.at(0x1f1).u8();
  const magic = reader.at(0x202).u32be();
  if (magic !== 0x48647253) throw malformed(`magic ${magic.toString(16)}, "HdrS" wanted`);
  const version = reader.u16le();
  if (version < 0x0208) {
    throw malformed(`boot protocol ${version.toString(16)}, 208 or later wanted`);
  }
  const payloadOffset = reader.at(0x248).u32le();
  const payloadBytes = reader.u32le();
  if (payloadBytes < 8) throw malformed(`payload of ${payloadBytes} bytes, a kernel wanted`);
  // Setup has its boot sector in front; 0 means 4 for kernels older than any we meet.
  const start = ((setupSectors === 0 ? 4 : setupSectors) + 1) * 512 + payloadOffset;
  const payload = reader.at(start).view(payloadBytes);
  const sizeBytes = new ByteReader(payload, "bzImage payload", payloadBytes - 4).u32le();
  const first = new ByteReader(payload, "bzImage payload").u32le();
  if (first !== 0xfd2fb528) throw malformed(`payload starts ${first.toString(16)}, zstd wanted`);
  if (sizeBytes > VMLINUX_MAX)
    throw malformed(`kernel of ${sizeBytes} bytes, ${VMLINUX_MAX} wanted`);
  const kernel = unpack(payload.subarray(0, payloadBytes - 4), sizeBytes);
  if (kernel.length === sizeBytes) return kernel;
  throw malformed(`unpacked to ${kernel.length} bytes, ${sizeBytes} wanted`);
}

function unpack(frame: Uint8Array, sizeBytes: number): Uint8Array {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: Math.max(sizeBytes, 1) });
  } catch (cause) {
    throw new FormatError("bzimage_malformed", "Cannot unpack kernel: bad zstd frame", { cause });
  }
}

function malformed(found: string): FormatError {
  return new FormatError("bzimage_malformed", `Cannot unpack kernel: ${found}`);
}

/** Debian's 6.12 unpacks to some 70 MB; more than this is no kernel. Unit: bytes. */
const VMLINUX_MAX = 512 * 1024 * 1024;
