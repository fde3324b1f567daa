/** A device on a UART, in this process: it changes its rate as SPEC §5.9 says, and hears nothing at another. */
import type { Clock } from "../clock.ts";
import type { Frame } from "../link/frame.ts";
import { MemoryDevice } from "./memory-device.ts";

const REVERT_MS = 500;

export class RatedDevice extends MemoryDevice {
  /** The device's end, and the host's. */
  deviceBaud = 115_200;
  hostBaud = 115_200;
  /** Rates that the cable does not carry. */
  readonly uncarried = new Set<number>();
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
    if (this.hostBaud === this.deviceBaud && !this.uncarried.has(this.hostBaud)) return super.write(bytes);
    this.unheard.push({ atMs: this.#clock.nowMs(), baud: this.hostBaud, bytes: Buffer.from(bytes) });
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
