/**
 * Bounds-checked reading and writing of binary layouts.
 *
 * A reader reads a view that it does not own, and throws at the first missing byte: a truncated
 * field is an error, never a short value. There are both byte orders, because disks are
 * little-endian and our wire is big-endian. 64-bit fields are returned as `bigint`, or as a number
 * by the checked `...AsNumber` methods.
 */
import { FormatError } from "./errors.ts";
import { BYTES_MAX } from "./units.ts";

/** Reads fields one after the other from a view. */
export class ByteReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #offset: number;

  /**
   * @param bytes - Borrowed; must not change while the reader is in use.
   * @param what - Name of the structure, for error messages ("GPT header").
   * @param offset - Where to start. Unit: bytes.
   */
  constructor(bytes: Uint8Array, what: string, offset = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
    this.#offset = offset;
  }

  /** @returns Position of the next byte to be read. Unit: bytes from the start of the view. */
  get offset(): number {
    return this.#offset;
  }

  /** @returns How many bytes are left. */
  get left(): number {
    return this.#bytes.byteLength - this.#offset;
  }

  /**
   * Moves to an absolute position.
   *
   * @param offset - 0 .. length of the view. Unit: bytes.
   * @throws {@link FormatError} `truncated` if the position lies outside the view.
   */
  at(offset: number): this {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > this.#bytes.byteLength) {
      throw this.#truncated(offset, 0);
    }
    this.#offset = offset;
    return this;
  }

  /**
   * Skips bytes without reading them.
   *
   * @throws {@link FormatError} `truncated`.
   */
  skip(count: number): this {
    this.#take(count);
    return this;
  }

  /** @returns One unsigned byte. */
  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  /** @returns 16 bits, big-endian. */
  u16be(): number {
    return this.#view.getUint16(this.#take(2));
  }

  /** @returns 32 bits, big-endian. */
  u32be(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** @returns 64 bits, big-endian. */
  u64be(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  /** @returns 16 bits, little-endian. */
  u16le(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  /** @returns 32 bits, little-endian. */
  u32le(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** @returns 64 bits, little-endian. */
  u64le(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /**
   * @returns 64 bits, little-endian, as a number.
   * @throws {@link FormatError} `too_big` above 2^53-1.
   */
  u64leAsNumber(): number {
    return this.#narrow(this.u64le());
  }

  /**
   * @returns 64 bits, big-endian, as a number.
   * @throws {@link FormatError} `too_big` above 2^53-1.
   */
  u64beAsNumber(): number {
    return this.#narrow(this.u64be());
  }

  /**
   * @param count - Unit: bytes.
   * @returns A view of the next bytes: borrowed, not copied.
   * @throws {@link FormatError} `truncated`.
   */
  view(count: number): Uint8Array {
    const start = this.#take(count);
    return this.#bytes.subarray(start, start + count);
  }

  /**
   * Reads a fixed-length text field that ends at its first NUL.
   *
   * @param count - Length of the field. Unit: bytes.
   * @returns The text, decoded as Latin-1 so that no byte is refused.
   * @throws {@link FormatError} `truncated`.
   */
  latin1(count: number): string {
    let text = "";
    for (const byte of this.view(count)) {
      if (byte === 0) break;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #take(count: number): number {
    const start = this.#offset;
    if (count < 0 || count > this.#bytes.byteLength - start) throw this.#truncated(start, count);
    this.#offset = start + count;
    return start;
  }

  #narrow(value: bigint): number {
    if (value <= BigInt(BYTES_MAX)) return Number(value);
    throw new FormatError(
      "too_big",
      `Cannot read ${this.#what}: field before byte ${this.#offset} holds ${value}, ` +
        `at most ${BYTES_MAX} wanted`,
    );
  }

  #truncated(start: number, count: number): FormatError {
    return new FormatError(
      "truncated",
      `Cannot read ${this.#what}: ${count} bytes at ${start} wanted, ` +
        `${this.#bytes.byteLength} bytes there`,
    );
  }
}

/**
 * Writes fields one after the other into a view that the caller owns. A write beyond the view is
 * our bug: RangeError.
 */
export class ByteWriter {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #offset: number;

  /**
   * @param bytes - Written in place.
   * @param offset - Where to start. Unit: bytes.
   */
  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offset = offset;
  }

  /** @returns Position of the next byte to be written. */
  get offset(): number {
    return this.#offset;
  }

  /** @param offset - Unit: bytes from the start of the view. */
  at(offset: number): this {
    this.#offset = offset;
    return this;
  }

  /** @param value - 0 .. 255. */
  u8(value: number): this {
    this.#view.setUint8(this.#advance(1), value);
    return this;
  }

  /** @param value - 16 bits, big-endian. */
  u16be(value: number): this {
    this.#view.setUint16(this.#advance(2), value);
    return this;
  }

  /** @param value - 32 bits, big-endian. */
  u32be(value: number): this {
    this.#view.setUint32(this.#advance(4), value);
    return this;
  }

  /** @param value - 64 bits, big-endian. */
  u64be(value: bigint | number): this {
    this.#view.setBigUint64(this.#advance(8), BigInt(value));
    return this;
  }

  /** @param value - 16 bits, little-endian. */
  u16le(value: number): this {
    this.#view.setUint16(this.#advance(2), value, true);
    return this;
  }

  /** @param value - 32 bits, little-endian. */
  u32le(value: number): this {
    this.#view.setUint32(this.#advance(4), value, true);
    return this;
  }

  /** @param value - 64 bits, little-endian. */
  u64le(value: bigint | number): this {
    this.#view.setBigUint64(this.#advance(8), BigInt(value), true);
    return this;
  }

  /** @param source - Copied. */
  bytes(source: Uint8Array): this {
    this.#bytes.set(source, this.#advance(source.byteLength));
    return this;
  }

  zeros(count: number): this {
    const start = this.#advance(count);
    this.#bytes.fill(0, start, start + count);
    return this;
  }

  #advance(count: number): number {
    const start = this.#offset;
    this.#offset = start + count;
    return start;
  }
}
