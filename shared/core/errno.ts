/**
 * What the error codes of the system mean, in words for an operator. Every message that tells of a
 * system error takes its words from here: "EACCES: permission denied, open ..." helps nobody.
 */
import { codeOf, messageOf } from "./errors.ts";

/** What an error code means, and what the operator can do about it. */
export interface ErrnoText {
  /** Half a sentence: "no space is left". */
  readonly found: string;
  /** A sentence. */
  readonly cure: string;
}

/** True for the name of an errno, like "ENOENT"; false for codes of huck and of Node.js. */
export function isErrno(code: string): boolean {
  return /^E[A-Z0-9]{2,}$/.test(code);
}

/** Gives the meaning of an errno. */
export function errnoText(code: string): ErrnoText {
  const [found, cure] = CODES[code] ?? OTHER;
  return { found, cure };
}

/**
 * Says what an error found: "it is not there (ENOENT)". An error that is not the system's says it
 * in its own words.
 */
export function foundText(thrown: unknown): string {
  const code = codeOf(thrown) ?? "";
  return isErrno(code) ? `${errnoText(code).found} (${code})` : messageOf(thrown);
}

type Words = readonly [found: string, cure: string];

const CODES: Readonly<Record<string, Words>> = {
  EACCES: ["the system forbids it", "Run as root, or as a user who may do that."],
  EPERM: ["the system forbids it", "Run as root, or as a user who may do that."],
  ENOENT: ["it is not there", "Check the path, and make the folders in it."],
  ENOTDIR: ["a part of the path is no folder", "Check the path: a file stands in its way."],
  EISDIR: ["it is a folder", "Name a file."],
  ELOOP: ["its symbolic links lead in a circle", "Name the file itself, or mend the links."],
  ENAMETOOLONG: ["the name is too long", "Choose a shorter name."],
  EEXIST: ["it is there already", "Choose another name, or remove it first."],
  ENOTEMPTY: ["the folder is not empty", "Choose another name, or empty the folder."],
  EROFS: ["the file system is read-only", "Mount it writable, or choose another place."],
  EBUSY: ["something uses it", "Unmount it, or end the program that uses it."],
  ETXTBSY: ["a running program is in it", "End the program, or choose another file."],
  ENXIO: ["there is no device behind it", "Check that the disk is connected."],
  EMFILE: ["too many files are open", "Raise the limit: ulimit -n 4096."],
  ENFILE: ["too many files are open on this computer", "End other programs."],
  EADDRINUSE: ["another program has the address", "End it, or choose another port."],
  EADDRNOTAVAIL: ["this computer lacks the address", "Check the address and interface."],
  ENETUNREACH: ["no route leads there", "Name the network's interface, or add a route."],
  EHOSTUNREACH: ["no route leads there", "Name the network's interface, or add a route."],
  ENETDOWN: ["the network is down", "Switch the interface on: ip link set NAME up."],
  ECONNRESET: ["the other side cut the connection", "Look at the program on the other side."],
  ECONNREFUSED: ["nobody listens there", "Start the program that should listen there."],
  ENOSPC: ["no space is left", "Make room there, or choose another place."],
  EDQUOT: ["the quota is used up", "Make room there, or choose another place."],
  EFBIG: ["the file system takes no file so large", "Choose a place on another file system."],
  EIO: ["the device failed", "See dmesg: the disk, its cable or its controller is failing."],
  EREMOTEIO: ["the device failed", "See dmesg: the disk, its cable or its controller is failing."],
  ENODATA: ["the device failed", "See dmesg: the disk, its cable or its controller is failing."],
  EILSEQ: ["the device failed", "See dmesg: the disk, its cable or its controller is failing."],
  ENOMEDIUM: ["there is no medium in the drive", "Insert one, or name another disk."],
  ESTALE: ["the file server has lost it", "Mount the file system again."],
  ETIMEDOUT: ["there was no answer in time", "Check the device, or the network to it."],
  ENODEV: ["the device is gone", "Check that the disk is connected."],
  ENOMEM: ["no memory is left", "End other programs, or add memory."],
  EINVAL: ["the system cannot do that there", "Choose a file or disk of another kind."],
  ENOTSUP: ["the system cannot do that there", "Choose a file or disk of another kind."],
  EOPNOTSUPP: ["the system cannot do that there", "Choose a file or disk of another kind."],
};

/** For codes that are not in the list: whatever the system says is the operator's to change. */
const OTHER: Words = [
  "the system refuses it",
  "See `man errno` for the code, and dmesg for what the kernel says of it.",
];
