/** From a port's name, or a device's id, to a device that has answered HELLO. */
import { errorCode } from "../../base/error.ts";
import type { Clock } from "../clock.ts";
import { DeviceError } from "../errors.ts";
import type { PlugMarks, PlugPorts } from "../plug-watch.ts";
import { HOST_RATES, START_BAUD } from "../session/rate-ladder.ts";
import type { Transport } from "../transport.ts";
import { ConnectMemory } from "./connect-memory.ts";
import { findPorts, plugMarks } from "./find.ts";
import { openSerial, type SerialLine } from "./serial-transport.ts";
import { UsbDevice } from "./usb-device.ts";

export interface UsbOptions {
  /** A port, or `auto`: the first that answers HELLO, stable names first. */
  readonly path: string;
  /** Only the device with this id in its HELLO; it is then looked for at every port, whatever `path` says. */
  readonly id?: string;
  /** Bits a second that HELLO is first tried at; native USB ignores it. */
  readonly baud: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly quietMs?: number;
  readonly helloMs?: number;
  /** Hears the device's log lines, as in a session's options. */
  readonly onLog?: (text: string) => void;
  /** Gives the attempt up; it then fails with DEVICE_CLOSED. */
  readonly signal?: AbortSignal;
  /** Pulse the reset line first. Only of a port that was named, or where the device has answered before. */
  readonly reset?: boolean;
  /** Throws for a device that must not be used. */
  readonly admit?: (id: string) => void;
  readonly memory?: ConnectMemory;
  /** Puts something between the port and the driver, such as a counter of bytes. */
  readonly wrap?: (transport: Transport) => Transport;
  readonly parts?: Partial<ConnectParts>;
}

/** The edges, to be replaced in tests. */
export interface ConnectParts {
  findPorts(): Promise<readonly { readonly path: string }[]>;
  plugMarks(ports: readonly string[]): Promise<PlugMarks>;
  openPort(options: { readonly path: string; readonly baud: number; readonly clock: Clock }): Promise<SerialLine>;
}

/** A device that was left at another rate has long booted: it answers at once. */
const LEFT_HELLO_MS = 1500;

/**
 * @throws DeviceError DEVICE_ABSENT, DEVICE_OPEN, DEVICE_NO_HELLO, DEVICE_BOOTLOADER, DEVICE_PROTOCOL, DEVICE_OTHER,
 *   DEVICE_CLOSED, and what `admit` throws
 */
export async function connectUsb(options: UsbOptions): Promise<UsbDevice> {
  const memory = options.memory ?? new ConnectMemory();
  const marksOf = options.parts?.plugMarks ?? plugMarks;
  if (memory.port !== undefined) memory.look(await marksOf([memory.port]));
  const paths = await candidates(options, memory);
  const failures: { readonly path: string; readonly error: DeviceError }[] = [];
  for (const path of paths) {
    try {
      const ours = path === memory.port || (path === options.path && options.id === undefined);
      const device = await connectPort({ ...options, path }, memory, ours);
      memory.answeredAt(path, await marksOf([path]));
      return device;
    } catch (error) {
      if (!(error instanceof DeviceError) || options.signal?.aborted) throw error;
      failures.push({ path, error });
    }
  }
  throw verdict(failures, memory.port);
}

/** The ports that `connectUsb` would look at, to be watched meanwhile. */
export function plugPorts(options: Pick<UsbOptions, "path" | "id" | "parts">, memory: ConnectMemory): PlugPorts {
  return {
    marks: async () => (options.parts?.plugMarks ?? plugMarks)(await candidates(options, memory)),
    ours: (port) => port === options.path || memory.port === undefined || port === memory.port,
  };
}

/** The named port first, then where the device answered last, then all others. */
async function candidates(
  { path, id, parts }: Pick<UsbOptions, "path" | "id" | "parts">,
  memory: ConnectMemory,
): Promise<string[]> {
  const named = path === "auto" ? [] : [path];
  if (named.length > 0 && id === undefined) return named;
  const found = (await (parts?.findPorts ?? findPorts)()).map((candidate) => candidate.path);
  const last = found.filter((candidate) => candidate === memory.port);
  return [...new Set([...named, ...last, ...found])];
}

/** One error for all ports: that of the port where the device is known to be, else what a person can act on. */
function verdict(failures: readonly { readonly path: string; readonly error: DeviceError }[], known?: string) {
  const [only] = failures;
  if (only === undefined) return new DeviceError("DEVICE_ABSENT", "no serial port was found");
  const refused = failures.find(({ error }) => error.code === "DEVICE_DISTRUSTED");
  const decisive = failures.length === 1 ? only : (failures.find(({ path }) => path === known) ?? refused);
  if (decisive !== undefined) return decisive.error;
  const words = failures.map(({ path, error }) => `${path}: ${error.code}`).join(", ");
  return new DeviceError("DEVICE_ABSENT", `no device at ${failures.length} ports (${words})`);
}

/**
 * At each rate that the device may be at: where it starts, and where this host may have left it. Of a port that may be
 * anybody's, only this process's own rates are tried.
 */
async function connectPort(options: UsbOptions, memory: ConnectMemory, ours: boolean): Promise<UsbDevice> {
  const starts = [...new Set([options.baud, START_BAUD])];
  const left = [...memory.rates, ...(ours ? HOST_RATES : [])];
  const { helloMs = LEFT_HELLO_MS } = options;
  let silent: unknown;
  for (const baud of new Set([...starts, ...left])) {
    try {
      const atStart = starts.includes(baud);
      const reset = options.reset === true && ours && baud === options.baud;
      const brief = atStart ? {} : { helloMs: Math.min(helloMs, LEFT_HELLO_MS) };
      return await connectAt({ ...options, ...brief, baud, reset }, memory);
    } catch (error) {
      if (errorCode(error) !== "DEVICE_NO_HELLO") throw error;
      silent ??= error;
    }
  }
  throw silent;
}

async function connectAt(options: UsbOptions, memory: ConnectMemory): Promise<UsbDevice> {
  const line = await (options.parts?.openPort ?? openSerial)(options);
  const giveUp = () => void line.close();
  if (options.signal?.aborted) giveUp();
  options.signal?.addEventListener("abort", giveUp, { once: true });
  try {
    // A port without a reset line is opened all the same: that alone may help.
    if (options.reset) await line.resetBoard().catch(() => {});
    const transport = remembering(line, memory);
    const admit = (id: string) => admitted(id, options);
    return await UsbDevice.open(options.wrap?.(transport) ?? transport, { ...options, admit });
  } finally {
    options.signal?.removeEventListener("abort", giveUp);
  }
}

/** @throws DeviceError DEVICE_OTHER, and what `admit` throws */
function admitted(found: string, { path, id, admit }: UsbOptions): void {
  if (id !== undefined && found !== id) {
    throw new DeviceError("DEVICE_OTHER", `${found} answers at ${path}, wanted is ${id}`);
  }
  admit?.(found);
}

/** The same line; where its rate is raised, the memory hears of it. */
function remembering(line: SerialLine, memory: ConnectMemory): Transport {
  return {
    name: line.name,
    write: (bytes) => line.write(bytes),
    onChunk: (listener) => line.onChunk(listener),
    onClose: (listener) => line.onClose(listener),
    close: () => line.close(),
    setRate: async (baud) => {
      memory.raisedTo(baud);
      await line.setRate(baud);
    },
  };
}
