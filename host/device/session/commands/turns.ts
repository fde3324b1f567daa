/** One at a time, in the order asked, and only so many waiting. */
import { DeviceError } from "../../errors.ts";

export class TurnQueue {
  readonly #waitingMax: number;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax;
  }

  /**
   * Runs `turn` when all before it have settled.
   *
   * @throws DeviceError DEVICE_BUSY if too many wait, DEVICE_ABORTED if the signal fires first; what `turn` throws
   */
  take<T>(turn: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (this.#waiting > this.#waitingMax) {
      return Promise.reject(new DeviceError("DEVICE_BUSY", `${this.#waitingMax} others wait for their turn`));
    }
    this.#waiting += 1;
    const mine = this.#last.then(() => {
      if (signal?.aborted) throw gaveUp();
      return turn();
    });
    this.#last = mine.then(
      () => this.#done(),
      () => this.#done(),
    );
    return signal === undefined ? mine : orAbort(mine, signal);
  }

  #done(): void {
    this.#waiting -= 1;
  }
}

function gaveUp(): DeviceError {
  return new DeviceError("DEVICE_ABORTED", "the caller gave up");
}

function orAbort<T>(settles: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(gaveUp());
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    settles.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
