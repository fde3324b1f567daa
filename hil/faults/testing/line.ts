/** Two ends of a line in this process: what the host writes is kept, and what the device says is said by the test. */
import type { Transport } from "../../../host/device/transport.ts";
import { VirtualClock } from "../../virtual/clock.ts";
import { FaultBox } from "../faulty.ts";
import { parseFaults } from "../text.ts";

export class TestLine implements Transport {
  readonly name = "test";
  /** Chunks that reached the device. */
  readonly written: string[] = [];
  onWrite: (text: string) => void = () => {};
  closed = false;
  #onChunk: (chunk: Uint8Array) => void = () => {};
  #onClose: (reason: Error) => void = () => {};

  async write(bytes: Uint8Array): Promise<void> {
    const text = Buffer.from(bytes).toString("latin1");
    this.written.push(text);
    this.onWrite(text);
  }

  say(text: string): void {
    this.#onChunk(Buffer.from(text, "latin1"));
  }

  onChunk(listener: (chunk: Uint8Array) => void): void {
    this.#onChunk = listener;
  }

  onClose(listener: (reason: Error) => void): void {
    this.#onClose = listener;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.#onClose(new Error("closed"));
  }
}

export interface FaultyLine {
  readonly clock: VirtualClock;
  readonly box: FaultBox;
  readonly device: TestLine;
  readonly host: Transport;
  /** Chunks that reached the host. */
  readonly heard: string[];
  readonly ends: string[];
  readonly acts: string[];
  /** All that happened, each with its time. */
  readonly log: string[];
}

/** A line under faults as `parseFaults` reads them. */
export function faultyLine(faults: string): FaultyLine {
  const clock = new VirtualClock();
  const [acts, heard, ends, log]: string[][] = [[], [], [], []];
  const into = (list: string[] | undefined, what: string) => (text: string) => {
    list?.push(text);
    log?.push(`${clock.nowMs()} ${what} ${text}`);
  };
  const box = new FaultBox(parseFaults(faults), { clock, act: into(acts, "act") });
  const device = new TestLine();
  device.onWrite = into(undefined, "write");
  const host = box.wrap(device);
  const hear = into(heard, "read");
  const end = into(ends, "end");
  host.onChunk((chunk) => hear(Buffer.from(chunk).toString("latin1")));
  host.onClose(({ message }) => end(message));
  return { clock, box, device, host, heard: heard ?? [], ends: ends ?? [], acts: acts ?? [], log: log ?? [] };
}
