/**
 * The manual power driver: asks a person to switch the node, and never claims to know its state.
 */
import * as z from "zod";
import type { PowerDriver, PowerKind, PowerState, SwitchedNode } from "./power-driver.ts";

const ManualSettings = z.strictObject({ driver: z.literal("manual") });

/** Asks a person; its drivers answer `unknown` at once. */
export const manualPower: PowerKind<typeof ManualSettings> = {
  settings: ManualSettings,
  make: askPerson,
};

const NOBODY_TELLS = "it is switched by hand (`power: manual`)";

function askPerson({ name, tell }: SwitchedNode): PowerDriver {
  const ask = (text: string) => (): Promise<PowerState> => {
    tell(text);
    return Promise.resolve("unknown");
  };
  return {
    kind: "manual",
    state: () => Promise.resolve({ power: "unknown", reason: NOBODY_TELLS, failed: false }),
    on: ask(`please switch ${name} on`),
    off: (mode) =>
      ask(mode === "soft" ? `please shut ${name} down` : `please switch ${name} off`)(),
    cycle: ask(`please restart ${name} so that it boots from the network`),
  };
}
