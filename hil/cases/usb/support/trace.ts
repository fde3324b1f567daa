/** Frames as the driver sends and hears them, in one order and with their times. */
import type { Clock } from "../../../../host/device/clock.ts";
import { LineDecoder } from "../../../../host/device/link/decoder.ts";
import type { Frame } from "../../../../host/device/link/frame.ts";
import { MAX_LINE_BYTES } from "../../../../host/device/session/hello.ts";
import type { Transport } from "../../../../host/device/transport.ts";
import { expectThat } from "../../../rig/case.ts";

export interface Traced {
  readonly way: "sent" | "heard";
  readonly atMs: number;
  readonly frame: Frame;
}

interface Waiting {
  readonly matches: (one: Traced) => boolean;
  readonly resolve: (one: Traced) => void;
}

export class Trace {
  readonly all: Traced[] = [];
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The same line, traced. */
  readonly through = (inner: Transport): Transport => {
    const { setRate } = inner;
    const [out, back] = [new LineDecoder(MAX_LINE_BYTES), new LineDecoder(MAX_LINE_BYTES)];
    return {
      name: inner.name,
      write: (bytes) => {
        this.#note("sent", out, bytes);
        return inner.write(bytes);
      },
      onChunk: (listener) =>
        inner.onChunk((chunk) => {
          this.#note("heard", back, chunk);
          listener(chunk);
        }),
      onClose: (listener) => inner.onClose(listener),
      close: () => inner.close(),
      ...(setRate === undefined ? {} : { setRate: (baud: number) => setRate.call(inner, baud) }),
    };
  };

  sent(matches: (frame: Frame) => boolean = () => true): Traced[] {
    return this.all.filter(({ way, frame }) => way === "sent" && matches(frame));
  }

  /** The next such frame that is sent. */
  nextSent(matches: (frame: Frame) => boolean = () => true): Promise<Traced> {
    return new Promise((resolve) =>
      this.#waiting.add({ matches: ({ way, frame }) => way === "sent" && matches(frame), resolve }),
    );
  }

  #note(way: Traced["way"], decoder: LineDecoder, bytes: Uint8Array): void {
    for (const event of decoder.push(bytes)) {
      if (event.kind !== "frame") continue;
      const one = { way, atMs: this.#clock.nowMs(), frame: event.frame };
      this.all.push(one);
      for (const waiting of [...this.#waiting]) {
        if (!waiting.matches(one)) continue;
        this.#waiting.delete(waiting);
        waiting.resolve(one);
      }
    }
  }
}

export function isAnswer({ verb }: Frame): boolean {
  return verb === "OK" || verb === "ERR";
}

/** Of these requests none is sent while an earlier one is unanswered, and none is repeated after a later one. */
export function expectOneAtATime({ all }: Trace, isOne: (frame: Frame) => boolean, of: string): void {
  let open: number | undefined;
  const done = new Set<number>();
  for (const { way, frame } of all) {
    if (way === "heard" && isAnswer(frame) && frame.seq === open) {
      done.add(open);
      open = undefined;
    }
    if (way === "heard" || !isOne(frame)) continue;
    expectThat(open === undefined || open === frame.seq, `${of} was sent while an earlier one was unanswered`);
    expectThat(!done.has(frame.seq), `${of} was repeated after it had been answered`);
    open = frame.seq;
  }
}
