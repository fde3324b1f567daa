/** Who waits for which request's answer. */
import type { DeviceError } from "../errors.ts";
import type { Reply } from "./request.ts";

interface Waiter {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: DeviceError) => void;
  /** The caller's signal is no longer heard. */
  readonly release: () => void;
}

export interface WaitersHeld {
  /** Callers that wait for an answer. */
  readonly waiters: number;
  /** Outcomes of requests that had theirs already, since the beginning: a defect of this host. */
  readonly settledTwice: number;
}

export class Waiters {
  readonly #waiters = new Map<number, Waiter>();
  #nextId = 1;
  #settledTwice = 0;
  #over = false;

  get held(): WaitersHeld {
    return { waiters: this.#waiters.size, settledTwice: this.#settledTwice };
  }

  /**
   * @param giveUp called with the id when the signal fires before the answer
   * @param start called with the id once its answer can be taken
   * @returns what becomes of the request
   */
  wait(signal: AbortSignal | undefined, giveUp: (id: number) => void, start: (id: number) => void): Promise<Reply> {
    const id = this.#nextId++;
    const abort = () => giveUp(id);
    const release = () => signal?.removeEventListener("abort", abort);
    signal?.addEventListener("abort", abort, { once: true });
    return new Promise<Reply>((resolve, reject) => {
      this.#waiters.set(id, { resolve, reject, release });
      start(id);
    });
  }

  resolve(id: number, reply: Reply): void {
    this.#take(id)?.resolve(reply);
  }

  reject(id: number, error: DeviceError): void {
    this.#take(id)?.reject(error);
  }

  /** The conversation is over: what more is said of requests is known to come late. */
  rejectAll(error: DeviceError): void {
    this.#over = true;
    for (const id of [...this.#waiters.keys()]) this.reject(id, error);
  }

  #take(id: number): Waiter | undefined {
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    if (waiter === undefined && !this.#over) this.#settledTwice += 1;
    waiter?.release();
    return waiter;
  }
}
