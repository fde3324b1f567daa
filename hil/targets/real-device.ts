/** One case's use of an LV06 at a serial port. Never run on hardware so far. */
import { errorCode } from "../../host/base/error.ts";
import { sleep, systemClock } from "../../host/device/clock.ts";
import { LineDecoder } from "../../host/device/link/decoder.ts";
import { encodeFrame } from "../../host/device/link/frame.ts";
import { MAX_LINE_BYTES } from "../../host/device/session/hello.ts";
import type { Transport } from "../../host/device/transport.ts";
import { openSerial } from "../../host/device/usb/serial-transport.ts";
import { UsbDevice } from "../../host/device/usb/usb-device.ts";
import { HEADER_BYTES } from "../../host/work/header.ts";
import { SHA256_BYTES } from "../../host/work/sha256.ts";
import { RigError } from "../rig/error.ts";
import type { Act, LiveDevice } from "./live-bench.ts";

const START_BAUD = 115_200;
const QUIET_MS = 300;
/** A board with native USB takes its port with it when it restarts. */
const PORT_MS = 15_000;
const LOOK_MS = 200;
/** Within 100 ms of the reply (SPEC 5.10), and some for the reply. */
const RESTART_MS = 300;
const RESET_SEQ = 0xfffe;
const LEAVE_MS = 3000;

/** For what the rig itself says to the device between two cases. */
function ownOptions(baud: number) {
  return { clock: systemClock, random: Math.random, baud, quietMs: 50, climb: false };
}

/** One case's use of the device: its port again and again. */
export class RealDevice implements LiveDevice {
  readonly #path: string;
  #line: WatchedLine | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** A line on which nothing is said: what the device had to say when its port was opened has passed. */
  async connect(): Promise<Transport> {
    const line = new WatchedLine(await this.#openPort());
    await sleep(systemClock, QUIET_MS);
    this.#line = line;
    return line;
  }

  /**
   * A search outlives HELLO, and a case that is run again draws the same id: another search takes its place, under an id
   * that no seed decides.
   */
  async forgetSearch(): Promise<void> {
    const device = await UsbDevice.open(await this.#openPort(), { ...ownOptions(START_BAUD), quietMs: QUIET_MS });
    try {
      const [header, target] = [Buffer.alloc(HEADER_BYTES), Buffer.alloc(SHA256_BYTES)];
      await device.work({ header, target, versionMask: 0, deadlineMs: 1 });
    } finally {
      await device.close();
    }
  }

  async act(ability: Act): Promise<void> {
    const line = this.#line;
    if (ability !== "restart") throw new RigError("RIG_CANNOT", `nobody is there for ${ability}`);
    if (line?.boot === undefined) throw new RigError("RIG_CANNOT", "nothing was said to the device yet");
    await line.write(encodeFrame({ seq: RESET_SEQ, verb: "RESET", args: [line.boot] }));
    await sleep(systemClock, RESTART_MS);
  }

  /** The next case looks for the device where every device starts. */
  async close(): Promise<void> {
    const baud = this.#line?.baud ?? START_BAUD;
    if (baud === START_BAUD) return;
    try {
      const line = await openSerial({ path: this.#path, baud, clock: systemClock });
      await (await UsbDevice.open(line, { ...ownOptions(baud), helloMs: LEAVE_MS })).close();
    } catch (error) {
      // It has come back by itself, or a restart brought it back.
      if (errorCode(error) !== "DEVICE_NO_HELLO") throw error;
    }
  }

  async #openPort(): Promise<Transport> {
    const { nowMs } = systemClock;
    for (const endMs = nowMs() + PORT_MS; ; ) {
      try {
        return await openSerial({ path: this.#path, baud: START_BAUD, clock: systemClock });
      } catch (error) {
        if (nowMs() > endMs || !["DEVICE_ABSENT", "DEVICE_OPEN"].includes(errorCode(error))) throw error;
        await sleep(systemClock, LOOK_MS);
      }
    }
  }
}

/** Knows the line's rate, and the boot that answers on it. What comes before anybody listens is dropped. */
class WatchedLine implements Transport {
  readonly name: string;
  readonly setRate: (baud: number) => Promise<void>;
  baud = START_BAUD;
  boot: string | undefined;
  readonly #inner: Transport;
  readonly #decoder = new LineDecoder(MAX_LINE_BYTES);
  #listener: (chunk: Uint8Array) => void = () => {};

  constructor(inner: Transport) {
    this.name = inner.name;
    this.#inner = inner;
    inner.onChunk((chunk) => this.#hear(chunk));
    this.setRate = async (baud) => {
      await inner.setRate?.(baud);
      this.baud = baud;
    };
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#inner.write(bytes);
  }

  onChunk(listener: (chunk: Uint8Array) => void): void {
    this.#listener = listener;
  }

  onClose(listener: (reason: Error) => void): void {
    this.#inner.onClose(listener);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #hear(chunk: Uint8Array): void {
    for (const event of this.#decoder.push(chunk)) {
      if (event.kind === "frame" && event.frame.verb === "OK") this.boot = event.frame.args[0];
    }
    this.#listener(chunk);
  }
}
