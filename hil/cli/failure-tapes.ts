/** A tape along every case, of which those of failures are kept: one recorder a target, as targets run side by side. */
import { join } from "node:path";
import { EXTENSION } from "../recording/files.ts";
import { Recorder, type RecordFacts } from "../recording/record.ts";
import type { Around, AttemptOf } from "../rig/attempt.ts";
import type { TransportKind } from "../rig/bench.ts";
import type { Attempt } from "../rig/report.ts";

export class FailureTapes implements Around {
  readonly #folder: string;
  readonly #facts: RecordFacts;
  readonly #recorders = new Map<string, Recorder>();

  constructor(folder: string, facts: RecordFacts) {
    this.#folder = folder;
    this.#facts = facts;
  }

  wrap: NonNullable<Around["wrap"]> = (opened, of) => {
    if (of.target.kind === "replay") return opened;
    return this.#recorderOf(of.target.name).wrap(opened, of);
  };

  ended = async <Kind extends TransportKind>(of: AttemptOf<Kind>, attempt: Attempt): Promise<void> => {
    const recorder = this.#recorders.get(of.target.name);
    if (attempt.verdict === "passed") recorder?.discard();
    else await recorder?.ended(of, attempt);
  };

  /** After a run, which may have been interrupted. */
  close(): void {
    for (const recorder of this.#recorders.values()) recorder.discard();
  }

  #recorderOf(target: string): Recorder {
    const there = this.#recorders.get(target);
    if (there !== undefined) return there;
    const recorder = new Recorder({
      facts: this.#facts,
      keepFailed: true,
      // They are for reading: the latencies that a run measures are to be those of the device, not of the tape.
      exact: false,
      pathOf: ({ caseId, attempt }) =>
        join(this.#folder, "recordings", target, `${caseId.replaceAll("/", "-")}-${attempt}${EXTENSION}`),
    });
    this.#recorders.set(target, recorder);
    return recorder;
  }
}
