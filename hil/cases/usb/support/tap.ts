/** Between the driver and the line: what it sends and is answered, frame by frame, and what of it passes. */
import { LineDecoder } from "../../../../host/device/link/decoder.ts";
import { encodeFrame, type Frame, frameBytes } from "../../../../host/device/link/frame.ts";
import { MAX_LINE_BYTES } from "../../../../host/device/session/hello.ts";
import type { Transport } from "../../../../host/device/transport.ts";

export class Tap {
  readonly sent: Frame[] = [];
  /** OK and ERR. */
  readonly replies: Frame[] = [];
  /** Most requests, and most of their bytes, that were unanswered at once. */
  mostLines = 0;
  mostBytes = 0;
  /** The line is cut: what is written gets lost. */
  cut = false;
  /** Requests of which the first sending of every second one gets lost. */
  lose: ((request: Frame) => boolean) | undefined;
  lost = 0;
  /** What reaches the host of frames that came, chunk by chunk; bytes other than frames are dropped then. */
  deliver: ((frames: readonly Frame[]) => readonly Uint8Array[]) | undefined;
  #candidates = 0;
  readonly #unanswered = new Map<number, number>();
  readonly #toDevice = new LineDecoder(MAX_LINE_BYTES);
  readonly #toHost = new LineDecoder(MAX_LINE_BYTES);
  #waiting: { readonly count: number; readonly resolve: () => void } | undefined;

  /** The same line, tapped. */
  readonly through = (inner: Transport): Transport => {
    const { setRate } = inner;
    return {
      name: inner.name,
      write: async (bytes) => {
        const passes = this.#wrote(bytes);
        if (!this.cut) await inner.write(passes);
      },
      onChunk: (listener) =>
        inner.onChunk((chunk) => {
          for (const bytes of this.#read(chunk)) listener(bytes);
        }),
      onClose: (listener) => inner.onClose(listener),
      close: () => inner.close(),
      ...(setRate === undefined ? {} : { setRate: (baud: number) => setRate.call(inner, baud) }),
    };
  };

  /** Resolves when so many replies more have come. */
  repliesMore(more: number): Promise<void> {
    const count = this.replies.length + more;
    return new Promise((resolve) => {
      this.#waiting = { count, resolve };
    });
  }

  /** @returns what passes of it */
  #wrote(bytes: Uint8Array): Uint8Array {
    const passing: Uint8Array[] = [];
    for (const event of this.#toDevice.push(bytes)) {
      if (event.kind !== "frame") continue;
      const { frame } = event;
      this.sent.push(frame);
      if (!this.#losesNow(frame)) passing.push(encodeFrame(frame));
      this.#unanswered.set(frame.seq, frameBytes(frame));
    }
    const lines = [...this.#unanswered.values()];
    this.mostLines = Math.max(this.mostLines, lines.length);
    this.mostBytes = Math.max(
      this.mostBytes,
      lines.reduce((sum, length) => sum + length, 0),
    );
    return this.lose === undefined ? bytes : Buffer.concat(passing);
  }

  #losesNow(frame: Frame): boolean {
    if (this.lose?.(frame) !== true || this.#unanswered.has(frame.seq)) return false;
    this.#candidates += 1;
    if (this.#candidates % 2 === 0) return false;
    this.lost += 1;
    return true;
  }

  #read(chunk: Uint8Array): readonly Uint8Array[] {
    const frames = this.#toHost.push(chunk).flatMap((event) => (event.kind === "frame" ? [event.frame] : []));
    for (const frame of frames) {
      if (frame.verb !== "OK" && frame.verb !== "ERR") continue;
      this.replies.push(frame);
      this.#unanswered.delete(frame.seq);
    }
    if (this.#waiting !== undefined && this.replies.length >= this.#waiting.count) this.#waiting.resolve();
    if (this.deliver === undefined) return [chunk];
    return frames.length === 0 ? [] : this.deliver(frames);
  }
}
