/** Which LV06s are plugged in: every serial port is asked, one after the other. */
import { errorCode, errorMessage } from "../../host/base/error.ts";
import { findPorts, type PortCandidate } from "../../host/device/usb/find.ts";
import type { Found } from "./merge.ts";
import { type Probed, type ProbeOptions, probePort } from "./probe.ts";

export interface ScanOptions extends Omit<ProbeOptions, "path"> {
  readonly ports?: () => Promise<readonly PortCandidate[]>;
  readonly probe?: (options: ProbeOptions) => Promise<Probed>;
  /** Hears of each port before it is asked. */
  readonly onPort?: (path: string) => void;
}

/** A port at which no LV06 is. */
export interface OtherPort {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

export interface Scanned {
  readonly found: readonly Found[];
  readonly others: readonly OtherPort[];
}

const MAC = /^(?:[0-9a-f]{2}[:-]?){5}[0-9a-f]{2}$/i;

/** Never throws for what is at a port. A model is no hardware, and is among the others. */
export async function scanPorts({
  ports = findPorts,
  probe = probePort,
  onPort,
  ...options
}: ScanOptions = {}): Promise<Scanned> {
  const found: Found[] = [];
  const others: OtherPort[] = [];
  for (const candidate of await ports()) {
    const { path } = candidate;
    onPort?.(path);
    try {
      const { hello } = await probe({ ...options, path });
      if (hello.simulated)
        others.push({ path, code: "RIG_SIMULATED", message: `${path}: ${hello.device} is simulated` });
      else found.push(foundOf(candidate, hello));
    } catch (error) {
      others.push({ path, code: errorCode(error), message: errorMessage(error) });
    }
  }
  return { found, others };
}

export function foundOf(
  { path, stable, port, usb }: PortCandidate,
  { device, firmware }: Pick<Probed["hello"], "device" | "firmware">,
): Found {
  return {
    transport: "usb",
    byId: stable ? path : null,
    usb: usb === undefined ? null : { vid: usb.vendorId, pid: usb.productId, serial: usb.serial ?? null },
    mac: MAC.test(device) ? device.toLowerCase() : null,
    device,
    firmware,
    port,
  };
}
