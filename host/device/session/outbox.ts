/** One write for all that a turn of the event loop produces: a serial port pays by the write, not by the byte. */
export class Outbox {
  readonly #write: (bytes: Uint8Array) => void;
  #pending: Uint8Array[] = [];

  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  post(bytes: Uint8Array): void {
    this.#pending.push(bytes);
    if (this.#pending.length > 1) return;
    process.nextTick(() => {
      const [first, ...rest] = this.#pending;
      this.#pending = [];
      if (first !== undefined) this.#write(rest.length === 0 ? first : Buffer.concat([first, ...rest]));
    });
  }
}
