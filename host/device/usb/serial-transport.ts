/**
 * A serial port as a Transport. Each connection has a port object of its own: serialport keeps unwritten
 * bytes for a re-opened port, and they would break the next handshake.
 */
import type { SerialPort } from "serialport";
import { errorCode, errorMessage } from "../../base/error.ts";
import { atMost, type Clock } from "../clock.ts";
import { DeviceError } from "../errors.ts";
import type { ModemLines, Transport } from "../transport.ts";
import { clearHangUp } from "./hang-up.ts";
import { pulseReset, RELEASED } from "./reset-line.ts";
import { HangUpPort } from "./serial-port.ts";

export interface SerialOptions {
  /** Such as `/dev/serial/by-id/…`; a symbolic link is followed at every open. */
  readonly path: string;
  readonly baud: number;
  readonly clock: Clock;
}

const OPEN_DEADLINE_MS = 5000;
const CLOSE_DEADLINE_MS = 1000;

/** A serial port, and what can be done with a line that has rates and modem lines. */
export interface SerialLine extends Transport {
  /** Whether closing leaves DTR and RTS alone. If not, closing the port may reset an ESP32 board. */
  readonly staysUpOnClose: boolean;
  /** Changes the rate, in baud; bytes not yet sent or read are thrown away. @throws Error */
  setRate(baud: number): Promise<void>;
  /**
   * Pulses the board's reset line: EN through RTS, with IO0 (DTR) released, as esptool does after flashing.
   *
   * @throws DeviceError DEVICE_UNSUPPORTED where there is no such line: a pseudo-terminal, some adapters
   */
  resetBoard(): Promise<void>;
}

/**
 * Opens the port exclusively, with DTR and RTS released together.
 *
 * On ESP32 boards the two lines are wired to reset and boot mode; equal levels do neither.
 *
 * @throws DeviceError DEVICE_ABSENT if there is no such port, DEVICE_OPEN if it cannot be had
 */
export async function openSerial({ path, baud, clock }: SerialOptions): Promise<SerialLine> {
  const port = new HangUpPort({ path, baudRate: baud, autoOpen: false, lock: true, hupcl: false });
  // An 'error' event without a listener would end the process; what matters comes through callbacks and 'close'.
  port.on("error", () => {});
  await open(port, clock);
  // A pseudo-terminal has no such lines.
  const hasLines = await setLines(port, RELEASED).then(
    () => true,
    () => false,
  );
  const staysUpOnClose = port.fd !== undefined && (await clearHangUp(port.fd, clock));
  return new SerialTransport(port, clock, { staysUpOnClose, hasLines, startBaud: baud });
}

function open(port: SerialPort, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(OPEN_DEADLINE_MS, () => {
      reject(new DeviceError("DEVICE_OPEN", `${port.path} did not open within ${OPEN_DEADLINE_MS} ms`));
      // Should it open after all, nobody would close it.
      port.once("open", () => port.close());
    });
    port.open((error) => {
      cancel();
      if (error === null || error === undefined) resolve();
      else reject(openError(port.path, error));
    });
  });
}

function openError(path: string, error: Error): DeviceError {
  const absent = errorCode(error) === "ENOENT" || /no such (file|device)/i.test(error.message);
  return new DeviceError(absent ? "DEVICE_ABSENT" : "DEVICE_OPEN", `${path}: ${error.message}`, { cause: error });
}

/** In one call: set separately, each passes through the levels that reset the chip. What is not named is set, too. */
function setLines(port: Port, lines: ModemLines): Promise<void> {
  return new Promise((resolve, reject) => {
    port.set({ brk: false, cts: false, dsr: false, ...lines }, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}

/** What is needed of the port's stream and modem lines. */
export type Port = Pick<SerialPort, "path" | "isOpen" | "on" | "write" | "update" | "set" | "close">;

/** What was found out when the port was opened. */
export interface SerialFacts {
  readonly staysUpOnClose: boolean;
  readonly hasLines: boolean;
  readonly startBaud: number;
}

export class SerialTransport implements SerialLine {
  readonly name: string;
  readonly lines?: ModemLines;
  readonly startBaud: number;
  readonly staysUpOnClose: boolean;
  readonly #port: Port;
  readonly #clock: Clock;
  readonly #pending = new Set<(reason: Error) => void>();
  #onChunk: (chunk: Uint8Array) => void = () => {};
  #onClose: (reason: Error) => void = () => {};
  readonly #closed: Promise<void>;
  #ended: Error | undefined;
  #pulse: Promise<void> | undefined;

  constructor(port: Port, clock: Clock, { staysUpOnClose, hasLines, startBaud }: SerialFacts) {
    this.name = port.path;
    this.startBaud = startBaud;
    if (hasLines) this.lines = RELEASED;
    this.staysUpOnClose = staysUpOnClose;
    this.#port = port;
    this.#clock = clock;
    // Always reading: without a reader an unplugged port gives no sign at all.
    port.on("data", (chunk: Buffer) => this.#onChunk(chunk));
    this.#closed = new Promise((resolve) => {
      port.on("close", (error: Error | null) => {
        this.#end(error ?? new Error("the port was closed"));
        resolve();
      });
    });
  }

  onChunk(listener: (chunk: Uint8Array) => void): void {
    this.#onChunk = listener;
  }

  onClose(listener: (reason: Error) => void): void {
    this.#onClose = listener;
    if (this.#ended !== undefined) listener(this.#ended);
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      this.#pending.add(reject);
      this.#port.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), (error) => {
        this.#pending.delete(reject);
        if (error === null || error === undefined) resolve();
        else reject(new Error(errorMessage(error)));
      });
    });
  }

  setRate(baud: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      this.#port.update({ baudRate: baud }, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(new Error(`${this.name} does not go at ${baud} baud: ${errorMessage(error)}`));
      });
    });
  }

  async resetBoard(): Promise<void> {
    this.#pulse = pulseReset((lines) => setLines(this.#port, lines), this.#clock);
    try {
      await this.#pulse;
    } catch (error) {
      throw new DeviceError("DEVICE_UNSUPPORTED", `${this.name} has no reset line: ${errorMessage(error)}`, {
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    // A board that is left in reset stays there until somebody opens its port again.
    if (this.#pulse !== undefined) await atMost(this.#clock, CLOSE_DEADLINE_MS, this.#pulse);
    await this.#closePort();
    this.#end(new Error("the port was closed"));
  }

  /**
   * serialport says "not open" as soon as it begins to close, but until it has closed the port stays locked for whoever
   * opens it next. A port whose device stopped reading may never finish closing.
   */
  #closePort(): Promise<void> {
    const failed = new Promise<void>((resolve) => {
      // Its callback also comes when closing failed; the event does not.
      if (this.#port.isOpen) this.#port.close(() => resolve());
    });
    return atMost(this.#clock, CLOSE_DEADLINE_MS, Promise.race([this.#closed, failed]));
  }

  /** serialport tells an unplugged port twice, and forgets the callbacks of its writes. */
  #end(reason: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    for (const reject of this.#pending) reject(reason);
    this.#pending.clear();
    this.#onClose(reason);
  }
}
