/**
 * All verbs of huck: name, a line of help, and the file that describes each.
 *
 * A new verb is a file in local/ (works on this computer) or remote/ (uses the operator API), and
 * an entry here.
 */
import type { Verb } from "./verb.ts";

/** In the order in which `huck help` lists them. */
export const VERBS: readonly Verb[] = [
  {
    name: "init",
    help: "make huck.yaml and what it names; never overwrites",
    load: async () => (await import("./local/init.io.ts")).initCommand,
  },
  {
    name: "serve",
    help: "run the server: boot, sessions, images, control",
    load: async () => (await import("./local/serve.io.ts")).serveCommand,
  },
  {
    name: "image-load",
    alias: "load",
    help: "write an image to nodes",
    load: async () => (await import("./remote/image-load.io.ts")).loadCommand,
  },
  {
    name: "image-save",
    alias: "save",
    help: "save the disk of a node as an image",
    load: async () => (await import("./remote/image-save.io.ts")).saveCommand,
  },
  {
    name: "status",
    help: "ping nodes and tell how they stand",
    load: async () => (await import("./remote/status.io.ts")).statusCommand,
  },
  {
    name: "nodes",
    help: "print the names that a range of nodes stands for",
    load: async () => (await import("./remote/nodes.io.ts")).nodesCommand,
  },
  {
    name: "job",
    help: "list, show or abort loads and saves",
    verbs: [
      {
        name: "list",
        help: "list the loads and saves that the server remembers, the newest first",
        load: async () => (await import("./remote/job.io.ts")).listJobsCommand,
      },
      {
        name: "show",
        help: "tell how a load or save stands",
        load: async () => (await import("./remote/job.io.ts")).showJobCommand,
      },
      {
        name: "abort",
        help: "end a load or save; nodes stop at the next safe point",
        load: async () => (await import("./remote/job.io.ts")).abortJobCommand,
      },
    ],
  },
  {
    name: "image",
    help: "list, check, save and restore images",
    verbs: [
      {
        name: "list",
        help: "list the images of the server's store",
        load: async () => (await import("./remote/images.io.ts")).listImagesCommand,
      },
      {
        name: "trash",
        help: "move an image of the server into .trash of its store; `mv` it back to undo",
        load: async () => (await import("./remote/images.io.ts")).trashImageCommand,
      },
      {
        name: "files",
        help: "list the images in a folder of this computer",
        load: async () => (await import("./local/image.io.ts")).filesCommand,
      },
      {
        name: "info",
        help: "tell what an image holds and what disk it needs",
        load: async () => (await import("./local/image.io.ts")).infoCommand,
      },
      {
        name: "verify",
        help: "check every byte of an image",
        load: async () => (await import("./local/image.io.ts")).verifyCommand,
      },
      {
        name: "save",
        help: "save a disk of this computer, or a file that holds one, as an image",
        load: async () => (await import("./local/image.io.ts")).saveFileCommand,
      },
      {
        name: "restore",
        help: "write an image to a disk or file of this computer",
        load: async () => (await import("./local/image.io.ts")).restoreCommand,
      },
    ],
  },
  {
    name: "cast",
    help: "throw a file or stream at every `huck catch` on the network",
    load: async () => (await import("./local/cast.io.ts")).castCommand,
  },
  {
    name: "catch",
    help: "receive what a `huck cast` sends",
    load: async () => (await import("./local/catch.io.ts")).catchCommand,
  },
];
