/** From a port's name to a device that has answered HELLO. */
import type { Clock } from "../clock.ts";
import { DeviceError } from "../errors.ts";
import { findPorts } from "./find.ts";
import { openSerial } from "./serial-transport.ts";
import { UsbDevice } from "./usb-device.ts";

export interface UsbOptions {
  /** A port, or `auto`: the first that answers HELLO, stable names first. */
  readonly path: string;
  /** Bits a second; native USB ignores it. */
  readonly baud: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly quietMs?: number;
  readonly helloMs?: number;
  /** Gives the attempt up; it then fails with DEVICE_CLOSED. */
  readonly signal?: AbortSignal;
}

/** @throws DeviceError DEVICE_ABSENT, DEVICE_OPEN, DEVICE_NO_HELLO, DEVICE_PROTOCOL, DEVICE_CLOSED */
export async function connectUsb(options: UsbOptions): Promise<UsbDevice> {
  if (options.path !== "auto") return connectPort(options);
  const candidates = await findPorts();
  let last = new DeviceError("DEVICE_ABSENT", "no serial port was found");
  for (const { path } of candidates) {
    try {
      return await connectPort({ ...options, path });
    } catch (error) {
      if (!(error instanceof DeviceError) || options.signal?.aborted) throw error;
      last = error;
    }
  }
  throw last;
}

async function connectPort(options: UsbOptions): Promise<UsbDevice> {
  const transport = await openSerial(options);
  const giveUp = () => void transport.close();
  if (options.signal?.aborted) giveUp();
  options.signal?.addEventListener("abort", giveUp, { once: true });
  try {
    return await UsbDevice.open(transport, options);
  } finally {
    options.signal?.removeEventListener("abort", giveUp);
  }
}
