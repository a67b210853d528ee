/** One way to make a verb fail, and how it ended. */

/** One way to fail. */
export interface ErrorCase {
  /** With a server: $LAB is the folder of the server that its verbs ask. */
  readonly command: string;
  readonly exitCode: number;
  /** True if the server of ErrorLab must run. */
  readonly asks?: true;
  /** True if the result itself, on standard output, says what is wrong. */
  readonly isResult?: true;
  /** What the command would write: unchanged if the exit code is 4. */
  readonly target?: string;
  readonly needsRoot?: true;
}

/** How a case ended. */
export interface ErrorRun {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
  /** False if the target is not what it was; true without one. */
  readonly isUntouched: boolean;
}

/** Makes a folder "ro" that nobody can write to; needs root. */
export const READ_ONLY = "mkdir ro && mount -t tmpfs -o ro tmpfs ro";
/** Words before a command that take root's rights away. */
export const AS_NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups";
