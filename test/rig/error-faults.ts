/** Judges how a verb failed. */
import type { ErrorCase, ErrorRun } from "./error-case.ts";

/** What is wrong with the end of a case; empty if nothing is. */
export function errorFaults(one: ErrorCase, run: ErrorRun): string[] {
  const { exitCode, errors, output, isUntouched } = run;
  const faults: string[] = [];
  if (exitCode !== one.exitCode) faults.push(`exit ${exitCode}, ${one.exitCode} is true`);
  if (exitCode === 4 && !isUntouched) faults.push("exit 4, but the target was changed");
  if (/^ +at .*:\d+/m.test(errors)) faults.push("a stack trace");
  // Then the result itself says what is wrong.
  const isResult = exitCode === 1 || one.isResult === true;
  const isTold = /^huck: .+\n {2}\S/m.test(errors) || /^huck: [^]*--help/m.test(errors);
  if (!isTold && !(isResult && `${output}${errors}` !== "")) faults.push("no message with a cure");
  return faults;
}
