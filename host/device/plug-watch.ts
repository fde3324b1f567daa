/** Tells whether something was plugged that may be the device, or another in its place. */

/** Port → a mark that changes whenever the port is plugged anew. A port that is not there is left out. */
export type PlugMarks = ReadonlyMap<string, string>;

export interface PlugPorts {
  marks(): Promise<PlugMarks>;
  /** Whether the device is, was, or may be expected at this port. */
  ours(port: string): boolean;
}

export class PlugWatch {
  readonly #ports: PlugPorts;
  #known: Promise<PlugMarks> = Promise.resolve(new Map());

  constructor(ports: PlugPorts) {
    this.#ports = ports;
  }

  /** Whatever is plugged now is known from here on. */
  settle(): void {
    this.#known = this.#look();
  }

  /**
   * Whether one of our ports was plugged anew, or one that was never there, since the last news or `settle`. Somebody
   * else's port is news once, however often its cable is pulled.
   */
  async news(): Promise<boolean> {
    const known = await this.#known;
    const now = await this.#look();
    const strangers = [...known].filter(([port]) => !this.#ports.ours(port));
    this.#known = Promise.resolve(new Map([...strangers, ...now]));
    return [...now].some(([port, mark]) => (this.#ports.ours(port) ? known.get(port) !== mark : !known.has(port)));
  }

  async #look(): Promise<PlugMarks> {
    return this.#ports.marks().catch(() => new Map());
  }
}
