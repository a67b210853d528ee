/**
 * The lab network that the boot services serve: one interface, one subnet, fixed while they run.
 */
import type { Ipv4 } from "./addresses.ts";

/** The lab network that is served: one interface, one subnet. */
export interface BootNetwork {
  /** `proxy`: only boot answers, beside the site's DHCP server. `full`: we are the DHCP server. */
  readonly mode: "proxy" | "full";
  /** Our address on the lab interface. */
  readonly serverAddress: Ipv4;
  /** Mask of that subnet. */
  readonly netmask: Ipv4;
  /** TCP port of the boot file server. */
  readonly httpPort: number;
  /** Addresses for nodes without a fixed one, both ends included. Full mode only. */
  readonly pool?: { readonly first: Ipv4; readonly last: Ipv4 };
  /** Default router to hand out. Full mode only. */
  readonly router?: Ipv4;
  /** Name servers to hand out, at most {@link DNS_SERVERS_MAX}. Full mode only. */
  readonly dns?: readonly Ipv4[];
}

/** Most name servers handed out: keeps every answer under 576 bytes. */
export const DNS_SERVERS_MAX = 3;
