/** One case's use of an LV06 at a serial port. Never run on hardware so far. */
import { errorCode } from "../../host/base/error.ts";
import { sleep, systemClock } from "../../host/device/clock.ts";
import { encodeFrame } from "../../host/device/link/frame.ts";
import type { Transport } from "../../host/device/transport.ts";
import { openSerial } from "../../host/device/usb/serial-transport.ts";
import { UsbDevice } from "../../host/device/usb/usb-device.ts";
import { HEADER_BYTES } from "../../host/work/header.ts";
import { SHA256_BYTES } from "../../host/work/sha256.ts";
import { RigError } from "../rig/error.ts";
import type { Act, LiveDevice } from "./live-bench.ts";
import { OWN_SEQ, START_BAUD, WatchedLine, wrongDevice } from "./watched-line.ts";

const QUIET_MS = 300;
/** A board with native USB takes its port with it when it restarts. */
const PORT_MS = 15_000;
const LOOK_MS = 200;
/** Within 100 ms of the reply (SPEC 5.10), and some for the reply. */
const RESTART_MS = 300;
const LEAVE_MS = 3000;

/** For what the rig itself says to the device between two cases. */
function ownOptions(baud: number) {
  return { clock: systemClock, random: Math.random, baud, quietMs: 50, climb: false };
}

/** One case's use of the device: its port again and again. */
export class RealDevice implements LiveDevice {
  readonly #path: string;
  readonly #id: string;
  #line: WatchedLine | undefined;

  /** @param id what HELLO calls the device: another one at this port is not tested in its name */
  constructor(path: string, id: string) {
    this.#path = path;
    this.#id = id;
  }

  /** A line on which nothing is said: what the device had to say when its port was opened has passed. */
  async connect(): Promise<Transport> {
    const line = new WatchedLine(await this.#openPort(), this.#id);
    await sleep(systemClock, QUIET_MS);
    this.#line = line;
    return line;
  }

  /** @throws DeviceError where it does not answer; RigError RIG_WRONG_DEVICE */
  async present(): Promise<void> {
    const device = await UsbDevice.open(await this.#openPort(), { ...ownOptions(START_BAUD), quietMs: QUIET_MS });
    await device.close();
    if (device.hello.device !== this.#id) throw wrongDevice(this.#path);
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
    await line.writeOwn(encodeFrame({ seq: OWN_SEQ, verb: "RESET", args: [line.boot] }));
    await sleep(systemClock, RESTART_MS);
  }

  /** The next case looks for the device where every device starts. */
  async close(): Promise<void> {
    if (this.#line?.stranger === true) throw wrongDevice(this.#path);
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
