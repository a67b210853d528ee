/**
 * CRC-16 with the reflected polynomial 0xA001, as ext4's uninit_bg uses it for group descriptors.
 *
 * Computed like the kernel's: neither seed nor result is inverted. Check value: crc16(0,
 * "123456789") = 0xBB3D.
 */

/**
 * @param seed - The register so far, 0 .. 0xFFFF.
 * @param bytes - Read during the call only.
 * @returns The register afterwards.
 */
export function crc16(seed: number, bytes: Uint8Array): number {
  let crc = seed;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0);
  return crc;
}

const POLYNOMIAL_REFLECTED = 0xa001;
const TABLE = Uint16Array.from({ length: 256 }, (_, value) => {
  let crc = value;
  for (let bit = 0; bit < 8; bit += 1) {
    crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL_REFLECTED : crc >>> 1;
  }
  return crc;
});
