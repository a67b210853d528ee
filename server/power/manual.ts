/**
 * The manual power driver: a person is the driver. It says what to do and never claims to know a
 * state.
 */
import type { PowerDriver, PowerState } from "./power-driver.ts";

/** Tells a person what to do. */
export type Tell = (text: string) => void;

/**
 * Makes the driver of one node.
 *
 * @param node - Its name.
 * @param tell - Brings the sentence to the operator.
 * @returns A driver that answers `unknown` at once.
 */
export function manualPower(node: string, tell: Tell): PowerDriver {
  const ask = (text: string) => (): Promise<PowerState> => {
    tell(text);
    return Promise.resolve("unknown");
  };
  return {
    kind: "manual",
    state: () => Promise.resolve("unknown"),
    on: ask(`please switch ${node} on`),
    off: (mode) =>
      ask(mode === "soft" ? `please shut ${node} down` : `please switch ${node} off`)(),
    cycle: ask(`please restart ${node} so that it boots from the network`),
  };
}
