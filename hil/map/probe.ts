/** Who answers at a port: an LV06 that stays up, or a verdict on what it is instead. Bounded in time, whatever is there. */
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { errorCode, errorMessage } from "../../host/base/error.ts";
import { type Clock, sleep, systemClock } from "../../host/device/clock.ts";
import { DeviceError } from "../../host/device/errors.ts";
import type { Hello } from "../../host/device/session/hello.ts";
import type { Transport } from "../../host/device/transport.ts";
import { groupName } from "../../host/device/usb/port-trouble.ts";
import { openSerial } from "../../host/device/usb/serial-transport.ts";
import { UsbDevice } from "../../host/device/usb/usb-device.ts";
import { MapError } from "./error.ts";
import { portVerdict } from "./verdict.ts";

export interface ProbeOptions {
  readonly path: string;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Silence before the first HELLO, in ms; default 300. */
  readonly quietMs?: number;
  /** How long HELLO is repeated, in ms; default 5,000. */
  readonly helloMs?: number;
  /** How long the device must then stay up, in ms; default 1,000. */
  readonly steadyMs?: number;
  readonly openLine?: (path: string, baud: number) => Promise<Transport>;
}

export interface Probed {
  readonly hello: Hello;
  /** The rate at which it was found. */
  readonly baud: number;
}

/** Where every device starts, and where a host may have left it (SPEC 5.9). */
const RATES = [115_200, 921_600, 460_800] as const;
const [START_BAUD] = RATES;
/** A device that was left at another rate has long booted. */
const LEFT_HELLO_MS = 1500;
/** Restarts while it is looked at: more are no accident. */
const ATTEMPTS = 3;
const PING_EVERY_MS = 200;
const HEARD_MOST = 16_384;
const RESTARTED = new Set(["DEVICE_REBOOTED", "DEVICE_BROWNOUT", "DEVICE_CRASHED"]);

/** @throws MapError; DeviceError DEVICE_ABSENT, DEVICE_NO_HELLO, DEVICE_BOOTLOADER, DEVICE_PROTOCOL, DEVICE_CLOSED */
export async function probePort(options: ProbeOptions): Promise<Probed> {
  await expectUsable(options.path);
  const restarts: DeviceError[] = [];
  for (;;) {
    try {
      return await probeRates(options);
    } catch (error) {
      if (!(error instanceof DeviceError) || !RESTARTED.has(error.code)) throw error;
      restarts.push(error);
      if (restarts.length < ATTEMPTS) continue;
      throw new MapError("RIG_RESETS", `${options.path} restarted ${restarts.length} times; ${error.detail}`, {
        cause: error,
      });
    }
  }
}

/** @param may rejects where this user may not read and write it @throws MapError, DeviceError DEVICE_ABSENT */
export async function expectUsable(path: string, may = mayUse): Promise<void> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new DeviceError("DEVICE_ABSENT", `${path}: ${errorCode(cause)}`, { cause });
  });
  if (!info.isCharacterDevice()) throw new MapError("RIG_PORT_KIND", `${path} is no device of characters`);
  try {
    await may(path);
  } catch (cause) {
    const group = await groupName(info.gid);
    throw new MapError("RIG_PORT_PERMISSION", `${path} belongs to the group ${group}`, { cause });
  }
}

function mayUse(path: string): Promise<void> {
  return access(path, constants.R_OK | constants.W_OK);
}

async function probeRates(options: ProbeOptions): Promise<Probed> {
  let silent: unknown;
  for (const baud of RATES) {
    try {
      const hello = await probeAt(options, baud);
      return { hello, baud };
    } catch (error) {
      if (errorCode(error) !== "DEVICE_NO_HELLO") throw error;
      silent ??= error;
    }
  }
  throw silent;
}

async function probeAt(options: ProbeOptions, baud: number): Promise<Hello> {
  const { path, clock = systemClock, random = Math.random, quietMs = 300, helloMs = 5000 } = options;
  const line = new OverheardLine(await opened(options, baud));
  const brief = baud === START_BAUD ? helloMs : Math.min(helloMs, LEFT_HELLO_MS);
  try {
    const device = await UsbDevice.open(line.transport, { clock, random, baud, quietMs, helloMs: brief, climb: false });
    try {
      await expectSteady(device, clock, options.steadyMs ?? 1000);
      return device.hello;
    } finally {
      await device.close();
    }
  } catch (error) {
    throw portVerdict({ path, heard: line.heard, said: line.said }) ?? error;
  }
}

async function opened({ path, openLine, clock = systemClock }: ProbeOptions, baud: number): Promise<Transport> {
  try {
    return await (openLine?.(path, baud) ?? openSerial({ path, baud, clock }));
  } catch (error) {
    const why = errorMessage(error);
    if (/lock|busy|EBUSY/i.test(why)) throw new MapError("RIG_PORT_BUSY", `${path} cannot be locked`, { cause: error });
    if (/not a (tty|terminal)|ENOTTY|inappropriate ioctl/i.test(why)) {
      throw new MapError("RIG_PORT_KIND", `${path} is no terminal`, { cause: error });
    }
    throw error;
  }
}

/** One that has answered HELLO between two restarts is no device to test. */
async function expectSteady(device: UsbDevice, clock: Clock, steadyMs: number): Promise<void> {
  let gone: Error | undefined;
  device.onGone((reason) => {
    gone = reason;
  });
  for (const endMs = clock.nowMs() + steadyMs; clock.nowMs() < endMs; ) {
    await device.ping();
    await sleep(clock, Math.min(PING_EVERY_MS, steadyMs));
    if (gone !== undefined) throw gone;
  }
}

/** Keeps the last of what passes, for the verdict. */
class OverheardLine {
  readonly transport: Transport;
  #heard = Buffer.alloc(0);
  #said = Buffer.alloc(0);

  constructor(inner: Transport) {
    this.transport = {
      name: inner.name,
      write: (bytes) => {
        this.#said = keptOf(this.#said, bytes);
        return inner.write(bytes);
      },
      onChunk: (listener) =>
        inner.onChunk((chunk) => {
          this.#heard = keptOf(this.#heard, chunk);
          listener(chunk);
        }),
      onClose: (listener) => inner.onClose(listener),
      close: () => inner.close(),
    };
  }

  get heard(): Buffer {
    return this.#heard;
  }

  get said(): Buffer {
    return this.#said;
  }
}

function keptOf(before: Buffer, chunk: Uint8Array) {
  return Buffer.concat([before, chunk]).subarray(-HEARD_MOST);
}
