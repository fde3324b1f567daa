/** Cases run on a model or a real device with a tape along: the runner's `around`, and one case alone. */
import { existsSync } from "node:fs";
import { systemClock } from "../../host/device/clock.ts";
import { type Around, type AttemptOf, PATIENCE, tryCase } from "../rig/attempt.ts";
import type { BenchOf, StratumBench, TargetKind, TransportKind, UsbBench } from "../rig/bench.ts";
import type { Case } from "../rig/case.ts";
import { HiddenIds, redactedId } from "../rig/hidden-id.ts";
import type { Attempt } from "../rig/report.ts";
import type { BenchFor, Target } from "../rig/target.ts";
import { RecordingError } from "./error.ts";
import { RecordingFile, recordingPath } from "./files.ts";
import { FORMAT_NAME, FORMAT_VERSION, type Header } from "./format.ts";
import { type Taped, type Taping, tapedStratum, tapedUsb } from "./recorded-bench.ts";

/** What a recording says of the host that it was made with. */
export interface RecordFacts {
  /** Of the cases. */
  readonly suite: string;
  readonly host: Header["host"];
  /** Such as `node v24.15.0 linux x64`. */
  readonly runtime: string;
  /** See `Header`. */
  readonly kernel?: string;
  readonly serialport?: string;
}

export interface RecorderOptions {
  readonly facts: RecordFacts;
  /** Where a case's recording goes. */
  readonly pathOf: (of: {
    readonly transport: TransportKind;
    readonly caseId: string;
    readonly attempt: number;
  }) => string;
  /** Whether that of a failed attempt is kept too; default false. */
  readonly keepFailed?: boolean;
  /**
   * Whether the clock stands still while something is dealt with: then the recording plays back to the microsecond, and
   * a latency that a case measures holds what the host did since the last event. Without, latencies are true, and a
   * playback may go another way. Default true.
   */
  readonly exact?: boolean;
  readonly onKept?: (path: string) => void;
}

interface Running {
  readonly file: RecordingFile;
  readonly taped: Taped<unknown>;
}

/** Records every case that a runner runs. One at a time. */
export class Recorder implements Around {
  readonly #options: RecorderOptions;
  #running: Running | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** @throws RecordingError RECORDING_TARGET, RECORDING_WRITE */
  wrap = <Kind extends TransportKind>(opened: BenchFor<Kind>, of: AttemptOf<Kind>): BenchFor<Kind> => {
    this.discard();
    const taped = tape(opened.bench, of, { add: (event) => file.add(event), exact: this.#options.exact ?? true });
    const path = this.#options.pathOf({ transport: of.one.transport, caseId: of.one.id, attempt: of.attempt });
    const file = RecordingFile.create(path, headerOf(taped.bench, of, this.#options));
    this.#running = { file, taped };
    return {
      // One of the two kinds of bench in, the same kind out: what the compiler cannot see.
      bench: taped.bench as BenchOf[Kind],
      last: () => opened.last(),
      latencies: () => opened.latencies(),
      notes: () => opened.notes?.() ?? [],
      close: async () => {
        await taped.stop();
        await opened.close();
      },
    };
  };

  /** @throws RecordingError RECORDING_LIMIT, RECORDING_WRITE */
  ended = async <Kind extends TransportKind>(_: AttemptOf<Kind>, { verdict }: Attempt): Promise<void> => {
    if (this.#running === undefined) return;
    if (verdict !== "passed" && this.#options.keepFailed !== true) return this.discard();
    const { file, taped } = this.#running;
    this.#running = undefined;
    file.finish(verdict, taped.tape.redacted);
    this.#options.onKept?.(file.path);
  };

  /** What was begun and not ended is not kept. Idempotent. */
  discard(): void {
    this.#running?.file.discard();
    this.#running = undefined;
  }
}

function tape<Kind extends TransportKind>(
  bench: UsbBench | StratumBench,
  { seed, target }: AttemptOf<Kind>,
  taping: Pick<Taping, "add" | "exact">,
): Taped<UsbBench | StratumBench> {
  const { id, simulated } = target.identity;
  if (bench.kind === "usb") return tapedUsb(bench, { ...taping, seed }, simulated ? undefined : new HiddenIds([id]));
  return tapedStratum(bench, { ...taping, seed }, simulated ? undefined : { name: id, shown: redactedId(id) });
}

function headerOf<Kind extends TransportKind>(
  bench: UsbBench | StratumBench,
  { target, one, seed }: AttemptOf<Kind>,
  { facts: { suite, host, ...system }, exact = true }: RecorderOptions,
): Header {
  const kind = expectRecordable(target);
  const { id, firmware, simulated, capabilities } = target.identity;
  return {
    format: `${FORMAT_NAME}${FORMAT_VERSION}`,
    case: { id: one.id, suite },
    target: { name: target.name, kind },
    transport: one.transport,
    simulated,
    device: { id: simulated ? id : redactedId(id), firmware, capabilities: [...capabilities] },
    can: [...bench.can],
    host,
    ...shownSystem(system, simulated),
    ...(target.port === undefined ? {} : { port: target.port }),
    seed,
    startedUtcMs: exact ? bench.utcMs() : Math.round(bench.utcMs() - bench.clock.nowMs()),
    framing: "recorded",
    ...(bench.kind === "stratum" ? { stratum: { difficulty: bench.difficulty } } : {}),
  };
}

/** What drivers do hangs on the kernel; of a model it would only tell whose computer it was. */
function shownSystem({ kernel, ...system }: Omit<RecordFacts, "suite" | "host">, simulated: boolean) {
  return { ...system, ...(simulated || kernel === undefined ? {} : { kernel }) };
}

/** @throws RecordingError RECORDING_TARGET */
function expectRecordable({ name, kind }: { readonly name: string; readonly kind: TargetKind }): "model" | "real" {
  if (kind === "replay") throw new RecordingError("RECORDING_TARGET", `${name} is a recording itself`);
  return kind;
}

export interface RecordOptions {
  readonly facts: RecordFacts;
  readonly seed: number;
  /** The folder that holds `usb` and `stratum`, or the very file. */
  readonly to: { readonly folder: string } | { readonly path: string };
  /** Whether a recording that is there is replaced; default false. */
  readonly replace?: boolean;
  readonly signal?: AbortSignal;
}

export interface Recorded {
  /** Where it is; null where the case did not pass, and nothing is kept. */
  readonly path: string | null;
  readonly attempt: Attempt;
}

/**
 * Runs one case on one target and keeps what passed over the line.
 *
 * @throws RecordingError RECORDING_EXISTS, RECORDING_TARGET, RECORDING_LIMIT, RECORDING_WRITE
 */
export async function record<Kind extends TransportKind>(
  target: Target<Kind>,
  one: Case<Kind>,
  { facts, seed, to, replace = false, signal = new AbortController().signal }: RecordOptions,
): Promise<Recorded> {
  const path = "path" in to ? to.path : recordingPath(to.folder, one.transport, one.id);
  expectRecordable(target);
  if (!replace && existsSync(path)) throw new RecordingError("RECORDING_EXISTS", path);
  let kept: string | null = null;
  const recorder = new Recorder({
    facts,
    pathOf: () => path,
    onKept: (at) => {
      kept = at;
    },
  });
  const startMs = systemClock.nowMs();
  const context = { around: recorder, patience: PATIENCE, signal, sinceMs: () => systemClock.nowMs() - startMs };
  try {
    const { attempt } = await tryCase({ target, one, seed, attempt: 1 }, context);
    return { path: kept, attempt };
  } finally {
    recorder.discard();
  }
}
