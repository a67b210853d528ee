/**
 * The manual power driver: asks a person to switch the node, and never claims to know its state.
 */
import type { PowerDriver, PowerState } from "./power-driver.ts";

/** Brings a sentence to the operator. */
export type Tell = (text: string) => void;

/** Makes the driver of one node. It answers `unknown` at once. */
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
