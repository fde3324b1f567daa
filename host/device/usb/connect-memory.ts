/** What earlier connections of this process teach the next one. */
import type { PlugMarks } from "../plug-watch.ts";

const RATES_MAX = 4;

export class ConnectMemory {
  #port: { readonly path: string; readonly mark: string | undefined } | undefined;
  #rates: readonly number[] = [];

  /** Where the device answered last, and is still plugged as it was. */
  get port(): string | undefined {
    return this.#port?.path;
  }

  answeredAt(path: string, marks: PlugMarks): void {
    this.#port = { path, mark: marks.get(path) };
  }

  /** Forgets the port if it was plugged anew: what is behind it now may be somebody else's. @param marks that of the port */
  look(marks: PlugMarks): void {
    if (this.#port !== undefined && marks.get(this.#port.path) !== this.#port.mark) this.#port = undefined;
  }

  /** Rates that a line was raised to, the last one first: a device keeps its rate for 10 s after the host is gone. */
  get rates(): readonly number[] {
    return this.#rates;
  }

  raisedTo(baud: number): void {
    this.#rates = [baud, ...this.#rates.filter((rate) => rate !== baud)].slice(0, RATES_MAX);
  }
}
