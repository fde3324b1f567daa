/** A device on a UART, in this process: it changes its rate as SPEC §5.9 says, and hears nothing at another. */
import type { Clock } from "../clock.ts";
import { encodeFrame, type Frame } from "../link/frame.ts";
import { MemoryDevice } from "./memory-device.ts";

const REVERT_MS = 500;
const MOST_BAUD = 921_600;

export class RatedDevice extends MemoryDevice {
  /** The device's end, and the host's. */
  deviceBaud = 115_200;
  hostBaud = 115_200;
  /** Rates that the cable does not carry. */
  readonly uncarried = new Set<number>();
  /** The longest line that the cable carries at the highest rate, in bytes. */
  longestCarried = Number.POSITIVE_INFINITY;
  /** Whether the device says so of a longer one. */
  naks = false;
  /** What the host wrote and the device could not read. */
  readonly unheard: { readonly atMs: number; readonly baud: number; readonly bytes: Buffer }[] = [];
  readonly #clock: Clock;
  #cancelRevert = () => {};

  constructor(clock: Clock) {
    super((request, honest) => [this.#answer(request, honest)]);
    this.#clock = clock;
    this.hello = { ...this.hello, caps: "hash,baud", rates: "115200,460800,921600" };
  }

  readonly setRate = async (baud: number): Promise<void> => {
    this.hostBaud = baud;
  };

  override async write(bytes: Uint8Array): Promise<void> {
    if (this.hostBaud === this.deviceBaud && !this.uncarried.has(this.hostBaud))
      return super.write(this.#carried(bytes));
    this.unheard.push({ atMs: this.#clock.nowMs(), baud: this.hostBaud, bytes: Buffer.from(bytes) });
  }

  #carried(bytes: Uint8Array): Uint8Array {
    if (this.hostBaud < MOST_BAUD) return bytes;
    const lines = Buffer.from(bytes)
      .toString("latin1")
      .split(/(?<=\n)/);
    const whole = lines.filter(({ length }) => length <= this.longestCarried);
    if (this.naks && whole.length < lines.length) {
      this.say(encodeFrame({ seq: 0, verb: "NAK", args: [this.boot, "CRC"] }));
    }
    return Buffer.from(whole.join(""), "latin1");
  }

  #answer(request: Frame, honest: (request: Frame) => Frame): Frame {
    this.#cancelRevert();
    const before = this.deviceBaud;
    if (request.verb === "BAUD") {
      this.deviceBaud = Number(request.args[0]);
      this.#cancelRevert = this.#clock.after(REVERT_MS, () => {
        this.deviceBaud = before;
      });
    }
    return honest(request);
  }
}
