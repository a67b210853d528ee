/**
 * TFTP messages: what a boot ROM sends us, and what we send it (RFC 1350, options RFC 2347, 2348,
 * 2349, 7440).
 *
 * We only serve files: requests to write are read so that they can be refused in words, which a
 * client shows, where silence would make it ask again. Option names are case-insensitive. An option
 * that we do not know, or whose value is out of range, is ignored, as RFC 2347 has it: a ROM must
 * boot even if it asks for something odd.
 */
import { ByteReader, ByteWriter } from "../../../shared/core/bytes.ts";
import { FormatError } from "../../../shared/core/errors.ts";

/** Options a client may ask for. */
export interface TftpOptions {
  /** Bytes per block, 8 .. 65464 (RFC 2348). */
  readonly blockBytes?: number;
  /** Seconds until a block is sent again, 1 .. 255 (RFC 2349). */
  readonly timeoutSeconds?: number;
  /** The client wants to know the size (RFC 2349). */
  readonly wantsSize: boolean;
  /** Blocks sent before an acknowledgement must come, 1 .. 65535 (RFC 7440). */
  readonly windowBlocks?: number;
}

/** A message from a TFTP client. */
export type TftpMessage =
  | {
      readonly kind: "read";
      readonly file: string;
      /** Lower case; "octet" is the only one that we serve. */
      readonly mode: string;
      readonly options: TftpOptions;
    }
  | { readonly kind: "write"; readonly file: string }
  | { readonly kind: "acknowledge"; readonly block: number }
  | { readonly kind: "error"; readonly code: number; readonly text: string };

/** The errors that we send (RFC 1350 section 5). */
export const TftpError = { other: 0, fileNotFound: 1, accessViolation: 2 } as const;
/**
 * Largest request that is read (RFC 2347).
 *
 * @internal A test uses it.
 */
export const REQUEST_BYTES_MAX = 512;

/**
 * Reads one UDP payload from a TFTP client. The caller counts and drops what throws.
 *
 * @throws {@link FormatError} `truncated`, `too_big`, `unterminated`, `bad_mode`, `bad_opcode`.
 */
export function readTftp(bytes: Uint8Array): TftpMessage {
  const reader = new ByteReader(bytes, "TFTP message");
  const opcode = reader.u16be();
  switch (opcode) {
    case Opcode.read:
      return readRequest(bytes.subarray(2));
    case Opcode.write: {
      const { file } = readRequest(bytes.subarray(2));
      return { kind: "write", file };
    }
    case Opcode.acknowledge:
      return { kind: "acknowledge", block: reader.u16be() };
    case Opcode.error: {
      const code = reader.u16be();
      const shown = Math.min(reader.left, ERROR_TEXT_MAX);
      return { kind: "error", code, text: reader.latin1(shown) };
    }
    default:
      throw new FormatError(
        "bad_opcode",
        `Cannot read TFTP message: opcode ${opcode}, 1, 2, 4 or 5 wanted`,
      );
  }
}

/** Writes a data block with a number of 0 .. 65535. The content is copied. */
export function writeData(block: number, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + content.byteLength);
  new ByteWriter(bytes).u16be(Opcode.data).u16be(block).bytes(content);
  return bytes;
}

/** Writes an option acknowledgement: names and accepted values, in order. */
export function writeOptionAcknowledge(
  options: readonly (readonly [string, number])[],
): Uint8Array {
  const text = options.map(([name, value]) => `${name}\0${value}\0`).join("");
  return withText(Uint8Array.of(0, Opcode.optionAcknowledge), text);
}

/**
 * Writes an error. It ends the transfer and is never acknowledged.
 *
 * @param code - 0 .. 255, one of {@link TftpError}.
 * @param text - For people, in Latin-1.
 */
export function writeError(code: number, text: string): Uint8Array {
  return withText(Uint8Array.of(0, Opcode.error, 0, code), `${text}\0`);
}

const Opcode = {
  read: 1,
  write: 2,
  data: 3,
  acknowledge: 4,
  error: 5,
  optionAcknowledge: 6,
} as const;
const ERROR_TEXT_MAX = 128;

function readRequest(bytes: Uint8Array): Extract<TftpMessage, { kind: "read" }> {
  if (bytes.byteLength > REQUEST_BYTES_MAX) {
    throw new FormatError(
      "too_big",
      `Cannot read TFTP request: ${bytes.byteLength} bytes, at most 512 wanted`,
    );
  }
  if (bytes.at(-1) !== 0) {
    throw new FormatError("unterminated", "Cannot read TFTP request: text without end, NUL wanted");
  }
  const words = new ByteReader(bytes, "TFTP request").view(bytes.byteLength - 1);
  const [file = "", mode = "", ...options] = Array.from(words, (byte) => String.fromCharCode(byte))
    .join("")
    .split("\0");
  if (mode === "")
    throw new FormatError("bad_mode", "Cannot read TFTP request: no mode, one wanted");
  return { kind: "read", file, mode: mode.toLowerCase(), options: readOptions(options) };
}

function readOptions(words: readonly string[]): TftpOptions {
  const asked = new Map<string, number>();
  for (let index = 0; index + 1 < words.length; index += 2) {
    const value = words[index + 1] ?? "";
    if (/^\d{1,9}$/.test(value)) asked.set((words[index] ?? "").toLowerCase(), Number(value));
  }
  const blockBytes = within(asked.get("blksize"), 8, 65464);
  const timeoutSeconds = within(asked.get("timeout"), 1, 255);
  const windowBlocks = within(asked.get("windowsize"), 1, 65535);
  return {
    wantsSize: asked.has("tsize"),
    ...(blockBytes === undefined ? {} : { blockBytes }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(windowBlocks === undefined ? {} : { windowBlocks }),
  };
}

function within(value: number | undefined, least: number, most: number): number | undefined {
  return value !== undefined && value >= least && value <= most ? value : undefined;
}

function withText(head: Uint8Array, text: string): Uint8Array {
  const bytes = new Uint8Array(head.byteLength + text.length);
  bytes.set(head);
  for (let index = 0; index < text.length; index += 1) {
    bytes[head.byteLength + index] = text.charCodeAt(index) & 0xff;
  }
  return bytes;
}
