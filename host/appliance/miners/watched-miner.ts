/** One miner of `device.miners`: looked at, judged, brought back, and switched off while nothing waits. */
import { errorCode } from "../../base/error.ts";
import { MINER_ALARMS, type MinerAlarmCode } from "../../device/axeos/alarms.ts";
import { AxeosError } from "../../device/axeos/errors.ts";
import type { ProvenWork } from "../../device/axeos/judge.ts";
import type { MinerReading } from "../../device/axeos/reading.ts";
import { type Look, MinerWatch } from "../../device/axeos/watch.ts";
import type { Clock } from "../../device/clock.ts";
import type { MinerView } from "../../device/stratum/miners.ts";
import { type AlarmChange, type AlarmSet, type AlarmTable, nextAlarms } from "../../health/alarms.ts";
import type { WorkingPower } from "../../health/energy.ts";
import type { EventData } from "../../mqtt/messages.ts";
import { NOT_STRAYED, type Stray, watchStray } from "./bring-back.ts";
import { type IdleAction, type IdleOutcome, idleDone, isPaused, NOT_IDLE, nextIdle, sawPaused } from "./idle-pause.ts";
import type { MinerClient } from "./miner-client.ts";
import type { MinerUrl } from "./miner-url.ts";
import { type MinerHealth, minerHealth } from "./miner-view.ts";

export type MinerAction = Extract<EventData, { readonly kind: "miner-action" }>;
export type MinerAlarmChange = AlarmChange<MinerAlarmCode>;

export interface MinerSurroundings {
  readonly clock: Clock;
  readonly utcMs: () => number;
  readonly intervalMs: number;
  readonly idle: "keep" | "pause";
  /** Whether the name is a model's. */
  readonly simulated: (worker: string) => boolean;
  /** Whether there is a pool to work for. */
  readonly listening: () => boolean;
  /** What the pool knows of this worker; undefined where it has never connected. */
  readonly proven: (worker: string) => MinerView | undefined;
  /** Whether a batch gathers or is worked on. */
  readonly busy: () => boolean;
  readonly onAlarm: (change: MinerAlarmChange) => void;
  readonly onAction: (action: MinerAction) => void;
  /** Counts an error by its code. */
  readonly count: (code: string) => void;
}

const TABLE: AlarmTable<MinerAlarmCode> = {
  messages: MINER_ALARMS,
  ofSubject: new Set(Object.keys(MINER_ALARMS) as MinerAlarmCode[]),
};
/** Power that was told longer ago says nothing about now. */
const FRESH_INTERVALS = 3;
/** After a restart that was asked for, the time until its clock has surely started anew. */
const RESTART_MS = 60_000;
const ORDER_MS = 5_000;

export class WatchedMiner {
  readonly url: MinerUrl;
  readonly #client: MinerClient;
  readonly #around: MinerSurroundings;
  readonly #watch: MinerWatch;
  readonly #ended = new AbortController();
  #look: { readonly reading: MinerReading | null; readonly atMs: number } | undefined;
  #alarms: AlarmSet<MinerAlarmCode> = new Map();
  #stray: Stray = NOT_STRAYED;
  #idle = NOT_IDLE;
  /** Since when it should hash, without a break. */
  #hashingSinceMs: number | null = null;
  #restartedMs = Number.NEGATIVE_INFINITY;
  #order: Promise<void> | undefined;
  /** Action → how the last one failed: told once. */
  readonly #failures = new Map<MinerAction["action"], string>();

  constructor(url: MinerUrl, client: MinerClient, around: MinerSurroundings) {
    this.url = url;
    this.#client = client;
    this.#around = around;
    this.#watch = new MinerWatch({
      clock: around.clock,
      limits: client.limits,
      intervalMs: around.intervalMs,
      read: () => client.read({ signal: this.#ended.signal }),
      bridge: () => ({ shouldHash: this.#shouldHash(), proven: this.#provenWork() }),
      onLook: (look) => this.#looked(look),
    });
  }

  start(): void {
    this.#watch.start();
  }

  /** Takes no further look, and switches it on again if it was switched off; within `deadlineMs`. */
  async stop(deadlineMs: number): Promise<void> {
    this.#watch.stop();
    this.#ended.abort();
    await this.#order;
    if (this.#around.idle === "pause" && isPaused(this.#idle)) await this.#orderOf("resume", { deadlineMs });
  }

  /** `idle: pause`: what is due now. */
  tick(): void {
    if (this.#around.idle === "keep" || this.#client.orders === undefined || this.#order !== undefined) return;
    const connected = this.#connected;
    const { state, action } = nextIdle(this.#idle, { nowMs: this.#nowMs, busy: this.#around.busy(), connected });
    this.#idle = state;
    if (action !== null) this.#tell(action);
  }

  health(): MinerHealth {
    const { kind, worker } = this.url;
    return minerHealth({
      ...{ worker, kind, simulated: this.#simulated, state: this.#state },
      alarms: this.#alarms.keys(),
      reading: this.#look?.reading ?? null,
      proven: this.#around.proven(worker),
    });
  }

  power(): WorkingPower {
    const fresh =
      this.#look !== undefined && this.#nowMs - this.#look.atMs <= FRESH_INTERVALS * this.#around.intervalMs;
    return { powerW: fresh ? (this.#look?.reading?.powerW ?? null) : null, simulated: this.#simulated };
  }

  get #nowMs(): number {
    return this.#around.clock.nowMs();
  }

  get #simulated(): boolean {
    const { worker } = this.url;
    return this.#around.proven(worker)?.simulated ?? this.#around.simulated(worker);
  }

  get #connected(): boolean {
    return (this.#around.proven(this.url.worker)?.connected ?? 0) > 0;
  }

  get #state(): MinerHealth["state"] {
    if (this.#look === undefined) return "unread";
    if (this.#look.reading === null) return "offline";
    return this.#alarms.size === 0 ? "ok" : "alarm";
  }

  #shouldHash(): boolean {
    const should = this.#around.listening() && !isPaused(this.#idle);
    this.#hashingSinceMs = should ? (this.#hashingSinceMs ?? this.#nowMs) : null;
    return should;
  }

  /** The silence of a pause, or of a pool that was away, is not the miner's. */
  #provenWork(): ProvenWork | null {
    const view = this.#around.proven(this.url.worker);
    if (view === undefined) return null;
    const { quietMs, meanShareMs, hashrate } = view;
    return {
      sinceMs: Math.max(this.#nowMs - quietMs, this.#hashingSinceMs ?? Number.NEGATIVE_INFINITY),
      meanMs: meanShareMs,
      hashrateGhs: hashrate === null ? null : hashrate / 1e9,
    };
  }

  #looked({ reading, error, conditions }: Look): void {
    const { utcMs, onAlarm, count } = this.#around;
    if (reading === null) count(errorCode(error));
    this.#look = { reading, atMs: this.#nowMs };
    this.#idle = sawPaused(this.#idle, reading?.miningPaused ?? null);
    const subject = { id: this.url.worker, simulated: this.#simulated };
    const { alarms, changes } = nextAlarms(TABLE, this.#alarms, { conditions, utcMs: utcMs(), subject });
    this.#alarms = alarms;
    for (const change of changes) onAlarm(change);
    if (this.#nowMs - this.#restartedMs < RESTART_MS) this.#watch.forget();
    this.#bringBack(reading);
    this.tick();
  }

  #bringBack(reading: MinerReading | null): void {
    if (this.#client.orders === undefined || this.#order !== undefined) return;
    const { stray, restart } = watchStray(this.#stray, {
      nowMs: this.#nowMs,
      listening: this.#around.listening(),
      connected: this.#connected,
      worksElsewhere: reading !== null && !isPaused(this.#idle) && works(reading),
    });
    this.#stray = stray;
    if (restart) this.#tell("restart");
  }

  /** One order at a time. */
  #tell(action: MinerAction["action"]): void {
    this.#order = this.#orderOf(action, { deadlineMs: ORDER_MS, signal: this.#ended.signal }).finally(() => {
      this.#order = undefined;
      // Meanwhile it may have become wrong.
      if (!this.#ended.signal.aborted) this.tick();
    });
  }

  /** Never rejects. */
  async #orderOf(action: MinerAction["action"], options: { deadlineMs: number; signal?: AbortSignal }): Promise<void> {
    const failure = await this.#client.orders?.[action](options).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    if (action === "restart") this.#restarted();
    else this.#idled(action, failure);
    this.#report(action, failure === undefined ? null : errorCode(failure.error));
  }

  #restarted(): void {
    this.#restartedMs = this.#nowMs;
    this.#watch.forget();
  }

  #idled(action: IdleAction, failure: { readonly error: unknown } | undefined): void {
    const unsupported = failure?.error instanceof AxeosError && failure.error.status === 404;
    const outcome: IdleOutcome = failure === undefined ? "done" : unsupported ? "unsupported" : "failed";
    this.#idle = idleDone(this.#idle, action, outcome, this.#nowMs);
  }

  /** What fails in the same way again and again is told once. */
  #report(action: MinerAction["action"], code: string | null): void {
    const told = code !== null && this.#failures.get(action) === code;
    if (code === null) this.#failures.delete(action);
    else this.#failures.set(action, code);
    if (told) return;
    if (code !== null) this.#around.count(code);
    const about = { miner: this.url.worker, simulated: this.#simulated, action };
    this.#around.onAction({ kind: "miner-action", ...about, ok: code === null, code, intendedUse: "research-only" });
  }
}

/** For its second pool, or at all. */
function works({ fallbackPool, hashrateGhs, miningPaused, overheated }: MinerReading): boolean {
  if (miningPaused === true || overheated === true) return false;
  return fallbackPool === true || (hashrateGhs ?? 0) > 0;
}
