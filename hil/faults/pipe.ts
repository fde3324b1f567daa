/** Faults on any two-way pipe of bytes, such as a Stratum connection: the lanes of a `FaultyTransport` without its shape. */
import { Dialogue } from "./dialogue.ts";
import type { FaultBox } from "./faulty.ts";
import type { Lane } from "./lane.ts";

export interface PipeEnds {
  /** Takes what the host sent. */
  readonly toDevice: (bytes: Uint8Array) => void;
  /** Takes what the device sent. */
  readonly toHost: (bytes: Uint8Array) => void;
  /** A fault ended the connection. */
  readonly unplugged: () => void;
}

export class FaultyPipe {
  readonly #box: FaultBox;
  readonly #lanes: readonly Lane[];
  readonly #out: Lane;
  readonly #in: Lane;
  #over = false;

  constructor(box: FaultBox, { toDevice, toHost, unplugged }: PipeEnds) {
    this.#box = box;
    const dialogue = new Dialogue();
    const unplug = () => {
      this.end();
      unplugged();
    };
    this.#out = box.lane("write", dialogue, { unplug, deliver: (bytes) => this.#over || toDevice(bytes) });
    this.#in = box.lane("read", dialogue, { unplug, deliver: (bytes) => this.#over || toHost(bytes) });
    this.#lanes = [this.#out, this.#in];
  }

  /** The host sends. */
  write(bytes: Uint8Array): void {
    if (!this.#over) this.#out.push(bytes);
  }

  /** The device sends. */
  hear(bytes: Uint8Array): void {
    if (!this.#over) this.#in.push(bytes);
  }

  end(): void {
    this.#over = true;
    for (const lane of this.#lanes) this.#box.forget(lane);
  }
}
