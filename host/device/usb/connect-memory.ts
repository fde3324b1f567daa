/** What earlier connections of this process teach the next one. */

const RATES_MAX = 4;

export class ConnectMemory {
  #port: string | undefined;
  #rates: readonly number[] = [];

  /** Where the device answered last. */
  get port(): string | undefined {
    return this.#port;
  }

  answeredAt(port: string): void {
    this.#port = port;
  }

  /** Rates that a line was raised to, the last one first: a device keeps its rate for 10 s after the host is gone. */
  get rates(): readonly number[] {
    return this.#rates;
  }

  raisedTo(baud: number): void {
    this.#rates = [baud, ...this.#rates.filter((rate) => rate !== baud)].slice(0, RATES_MAX);
  }
}
