/** The device that a command speaks with. */
import type { Command } from "commander";
import { systemClock } from "../../device/clock.ts";
import { connectUsb, type UsbOptions } from "../../device/usb/connect.ts";
import { counted, type WireCounts } from "../../device/usb/counted-transport.ts";
import type { UsbDevice } from "../../device/usb/usb-device.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../error.ts";
import { interruptible } from "../interrupt.ts";
import { fromNumber } from "./parse.ts";

export interface PortOptions {
  readonly port?: string;
  readonly baud?: string;
}

export interface Opened {
  readonly device: UsbDevice;
  /** Bytes on the wire so far. */
  readonly wire: WireCounts;
  /** Told to stop by the person at the terminal. */
  readonly signal: AbortSignal;
}

const [BAUD_MIN, BAUD_MAX] = [9_600, 4_000_000];

/** The options of every command that speaks with a device. */
export function onPort(command: Command): Command {
  return command
    .option("--port <path>", "serial port (default: the configured device, else the first that answers)")
    .option("--baud <rate>", "line rate to start at (default: device.usb.baud); native USB ignores it");
}

/**
 * Connects, runs `work`, and closes the port, whatever happens.
 *
 * @throws UsageError; DeviceError; CommandError COMMAND_INTERRUPTED
 */
export function withDevice<Value>(
  context: Context,
  options: PortOptions,
  work: (opened: Opened) => Promise<Value>,
): Promise<Value> {
  const where = whereOf(context, options);
  return interruptible(async (signal) => {
    const wire: WireCounts = { sentBytes: 0, receivedBytes: 0 };
    const wrap: UsbOptions["wrap"] = (transport) => counted(transport, wire);
    const device = await connectUsb({ ...where, clock: systemClock, random: Math.random, signal, wrap });
    try {
      return await work({ device, wire, signal });
    } finally {
      await device.close();
    }
  });
}

/** A port that is named is meant, whatever device the configuration names. */
function whereOf({ config }: Context, { port, baud }: PortOptions): Pick<UsbOptions, "path" | "baud" | "id"> {
  const rate = baud === undefined ? undefined : fromNumber("--baud", baud, BAUD_MIN, BAUD_MAX);
  const { usb } = config().device;
  if (port === "") throw new UsageError("USAGE_OPTION", "--port names no port");
  if (port !== undefined) return { path: port, baud: rate ?? usb.baud };
  return { path: usb.path ?? "auto", baud: rate ?? usb.baud, ...(usb.id === null ? {} : { id: usb.id }) };
}
