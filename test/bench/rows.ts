/**
 * The rows of the benchmark's table, and the programs that run in each.
 *
 * Nothing runs here: a row is numbers, a program is the command lines it takes. Peers are started
 * as their own manuals advise for a switched network, and each is given the link's rate where it
 * cannot find it by itself.
 */

/** The group and port of every cast. */
const GROUP = "239.77.1.1";
const PORT = 9100;
/** What a sender that takes a rate is told: this share of the link. */
const HUCK_SHARE = 0.98;
const PEER_SHARE = 0.94;
/** One of our datagrams carries so many bytes of payload ... */
const SYMBOL_BYTES = 1408;
/** ... and takes so many of the link: 1482 of frame, 24 of FCS, preamble and gap. */
const FRAME_BYTES = 1482 + 24;

const MIB = 1 << 20;

/** One file to N receivers over a link with loss. */
export interface CastRow {
  readonly kind: "cast";
  readonly name: string;
  readonly receivers: number;
  /** The sender's link, in Mbit/s of Ethernet with all that a frame costs. */
  readonly rateMbit: number;
  /** Random loss of each receiver, both ways, in percent. */
  readonly lossPercent: number;
  readonly sizeBytes: number;
}

/** One file system to an image file, or back. */
export interface DiskRow {
  readonly kind: "save" | "restore";
  readonly name: string;
}

export type Row = CastRow | DiskRow;

function cast(name: string, shape: readonly [number, number, number, number]): CastRow {
  const [receivers, rateMbit, lossPercent, mebibytes] = shape;
  return { kind: "cast", name, receivers, rateMbit, lossPercent, sizeBytes: mebibytes * MIB };
}

/** All rows, in the order in which they run: receivers, Mbit/s, loss in percent, MiB. */
export const ROWS: readonly Row[] = [
  cast("one", [1, 1000, 0, 512]),
  cast("four", [4, 1000, 0, 512]),
  cast("four-loss1", [4, 1000, 1, 512]),
  cast("four-loss5", [4, 1000, 5, 512]),
  cast("start", [4, 1000, 0, 1]),
  cast("sixteen", [16, 100, 0, 64]),
  cast("sixteen-loss1", [16, 100, 1, 64]),
  { kind: "save", name: "save-ext4" },
  { kind: "restore", name: "restore-ext4" },
];

/**
 * The shortest time in which our own frames can carry a row's payload.
 *
 * @returns Seconds; NaN for a row without a link.
 */
export function floorSeconds(row: Row): number {
  if (row.kind !== "cast") return Number.NaN;
  const wireBytes = (row.sizeBytes / SYMBOL_BYTES) * FRAME_BYTES;
  return (wireBytes * 8) / (row.rateMbit * 1e6);
}

/** What the command lines of a cast need to know. */
export interface CastPlace {
  readonly row: CastRow;
  /** Command line of huck. */
  readonly huck: string;
  /** What is sent. */
  readonly source: string;
  /** Scratch folder of this run. */
  readonly folder: string;
}

/** A program that sends a file to many. */
export interface CastSystem {
  /** Is not huck. */
  readonly isPeer: boolean;
  /** Program that must be installed. */
  readonly needs?: string;
  /** Writes what arrives to the file; `number` counts from 1. */
  receiver(place: CastPlace, number: number, output: string): string;
  sender(place: CastPlace): string;
  /** The receiver goes on for ever and makes `done.<number>` in the scratch folder instead. */
  readonly endless?: boolean;
}

function huckCast(isRateGiven: boolean): CastSystem {
  const where = `--interface eth0 --group ${GROUP} --port ${PORT}`;
  return {
    isPeer: false,
    receiver: ({ huck }, _, output) => `exec ${huck} catch ${output} ${where} --wait 60`,
    sender: ({ row, huck, source }) => {
      const rate = isRateGiven ? `--rate ${Math.floor(row.rateMbit * HUCK_SHARE)}M` : "";
      return `exec ${huck} cast ${source} ${where} --min-receivers ${row.receivers} ${rate}`;
    },
  };
}

/** Without the hello interval, one lost HELLO or CONNECT leaves udpcast waiting for ever. */
const UDPCAST = "--interface eth0 --nokbd --no-progress";
const UDPCAST_SEND = `${UDPCAST} --full-duplex --rexmit-hello-interval 500`;

function udpcast(more: (row: CastRow) => string): CastSystem {
  return {
    isPeer: true,
    needs: "udp-sender",
    receiver: (_, __, output) =>
      `exec udp-receiver --file ${output} ${UDPCAST} --nosync --rcvbuf 4096k`,
    sender: ({ row, source }) => {
      const many = `--min-receivers ${row.receivers}`;
      return `exec udp-sender --file ${source} ${UDPCAST_SEND} ${many} ${more(row)}`;
    },
  };
}

const uftpId = (number: number): string => `0x${number.toString(16).padStart(8, "0")}`;
/** Its name look-ups would wait for a DNS server. The mounts are its own, by `ip netns exec`. */
const uftpHosts = ({ folder }: CastPlace): string => `mount --bind ${folder}/hosts /etc/hosts`;

const uftp: CastSystem = {
  isPeer: true,
  needs: "uftp",
  endless: true,
  receiver: (place, number, output) => {
    const { folder } = place;
    const into = output.slice(0, output.lastIndexOf("/"));
    const hook = `${folder}/hook.${number}`;
    return [
      `printf '#!/bin/sh\\ntouch ${folder}/done.${number}\\n' > ${hook}`,
      `chmod +x ${hook}`,
      uftpHosts(place),
      `exec uftpd -d -x 1 -t -B 4194304 -I eth0 -U ${uftpId(number)} -D ${into} -s ${hook}`,
    ].join(" && ");
  },
  sender: (place) => {
    const { row, source } = place;
    const ids = Array.from({ length: row.receivers }, (_, index) => uftpId(index + 1));
    const kbit = Math.floor(row.rateMbit * PEER_SHARE * 1000);
    const how = `-x 1 -R ${kbit} -B 4194304 -b 1440 -I eth0 -H ${ids.join(",")} -D out`;
    return `${uftpHosts(place)} && exec uftp ${how} ${source}`;
  },
};

/** Programs of the cast rows. */
export const CAST_SYSTEMS: Readonly<Record<string, CastSystem>> = {
  huck: huckCast(true),
  "huck-auto": huckCast(false),
  "udpcast-fd": udpcast(() => ""),
  "udpcast-fec": udpcast(
    (row) => `--max-bitrate ${Math.floor(row.rateMbit * PEER_SHARE)}m --fec 8x8/128`,
  ),
  uftp,
};

/** What the command lines of a save or restore need to know. */
export interface DiskPlace {
  readonly huck: string;
  /** Block device that holds the file system; only read. */
  readonly source: string;
  readonly image: string;
  /** Block device to be overwritten. */
  readonly target: string;
  /** Scratch folder of this run. */
  readonly folder: string;
}

/** A program that saves a file system and brings it back. */
export interface DiskSystem {
  readonly isPeer: boolean;
  readonly needs?: string;
  /** Ending of its image files. */
  readonly ending: string;
  save(place: DiskPlace): string;
  /** Ends when the data is on the disk. */
  restore(place: DiskPlace): string;
}

function partclone(level: number): DiskSystem {
  const log = ({ folder }: DiskPlace): string => `-L ${folder}/partclone.log`;
  return {
    isPeer: true,
    needs: "partclone.ext4",
    ending: `.zst${level}`,
    save: (place) =>
      `partclone.ext4 -c ${log(place)} -s ${place.source} -o - | ` +
      `zstd -q -f -${level} -T0 -o ${place.image}`,
    restore: (place) =>
      `zstd -dc ${place.image} | partclone.ext4 -r ${log(place)} -s - -o ${place.target} && ` +
      `sync ${place.target}`,
  };
}

/** Programs of the save and restore rows. */
export const DISK_SYSTEMS: Readonly<Record<string, DiskSystem>> = {
  huck: {
    isPeer: false,
    ending: ".huck",
    save: ({ huck, source, image }) => `exec ${huck} image save ${source} -o ${image}`,
    restore: ({ huck, image, target }) =>
      `exec ${huck} image restore ${image} ${target} --erase ${target}`,
  },
  "partclone-zstd1": partclone(1),
  "partclone-zstd3": partclone(3),
};
