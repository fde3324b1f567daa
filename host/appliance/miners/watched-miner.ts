/** One miner of `device.miners`: looked at, judged, brought back, and switched off while nothing waits. */
import { errorCode } from "../../base/error.ts";
import { MINER_ALARMS, type MinerAlarmCode } from "../../device/axeos/alarms.ts";
import type { ProvenWork } from "../../device/axeos/judge.ts";
import type { MinerReading } from "../../device/axeos/reading.ts";
import { type Look, MinerWatch } from "../../device/axeos/watch.ts";
import type { Clock } from "../../device/clock.ts";
import type { RequestOptions } from "../../device/device.ts";
import type { MinerView } from "../../device/stratum/miners.ts";
import { type AlarmChange, type AlarmSet, type AlarmTable, nextAlarms } from "../../health/alarms.ts";
import type { WorkingPower } from "../../health/energy.ts";
import type { EventData } from "../../mqtt/messages.ts";
import { AnswerFile, type AnswerFolder } from "./answer-file.ts";
import { isElsewhere, NOT_STRAYED, type Stray, type StraySight, watchStray } from "./bring-back.ts";
import { idleDone, isPaused, NOT_IDLE, nextIdle, sawPaused } from "./idle-pause.ts";
import type { MinerClient } from "./miner-client.ts";
import { MinerOrders } from "./miner-orders.ts";
import type { MinerUrl } from "./miner-url.ts";
import { type MinerHealth, minerHealth } from "./miner-view.ts";
import { Silence } from "./silence.ts";

export type MinerAction = Extract<EventData, { readonly kind: "miner-action" }>;
export type MinerAlarmChange = AlarmChange<MinerAlarmCode>;

export interface MinerSurroundings {
  readonly clock: Clock;
  readonly utcMs: () => number;
  readonly intervalMs: number;
  readonly idle: "keep" | "pause";
  /** Where the latest answers are kept; undefined: nowhere. */
  readonly answers: AnswerFolder | undefined;
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
  /** Undefined where it takes none. */
  readonly #orders: MinerOrders | undefined;
  readonly #around: MinerSurroundings;
  readonly #watch: MinerWatch;
  readonly #ended = new AbortController();
  readonly #answers: AnswerFile | undefined;
  readonly #silence = new Silence();
  #look: { readonly reading: MinerReading | null; readonly atMs: number } | undefined;
  #alarms: AlarmSet<MinerAlarmCode> = new Map();
  #stray: Stray = NOT_STRAYED;
  #idle = NOT_IDLE;
  /** Since when it should hash, without a break. */
  #hashingSinceMs: number | null = null;
  #restartedMs = Number.NEGATIVE_INFINITY;
  #order: Promise<void> | undefined;

  constructor(url: MinerUrl, client: MinerClient, around: MinerSurroundings) {
    this.url = url;
    this.#around = around;
    const { orders } = client;
    const miner = () => ({ miner: url.worker, simulated: this.#simulated });
    this.#orders = orders && new MinerOrders({ ...around, orders, miner });
    this.#answers = around.answers && new AnswerFile({ ...around, folder: around.answers, url });
    this.#watch = new MinerWatch({
      clock: around.clock,
      limits: client.limits,
      intervalMs: around.intervalMs,
      read: () => client.read({ signal: this.#ended.signal }),
      bridge: (reading) => ({
        shouldHash: this.#shouldHash(),
        proven: this.#provenWork(),
        elsewhere: isElsewhere(this.#stray, this.#straySight(reading)),
      }),
      onLook: (look) => this.#looked(look),
    });
  }

  start(): void {
    this.#watch.start();
  }

  /** Takes no further look, and switches it on again if it was switched off, within `deadlineMs`. */
  async stop(deadlineMs: number): Promise<void> {
    this.#watch.stop();
    this.#ended.abort();
    const kept = this.#answers?.flush();
    await this.#order;
    if (this.#around.idle === "pause" && isPaused(this.#idle)) await this.#carryOut("resume", { deadlineMs });
    await kept;
  }

  /** `idle: pause`: what is due now. */
  tick(): void {
    if (this.#around.idle === "keep" || this.#orders === undefined || this.#order !== undefined) return;
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

  #provenWork(): ProvenWork | null {
    if (this.#hashingSinceMs === null) return null;
    return this.#silence.at(this.#nowMs, this.#around.proven(this.url.worker), this.#hashingSinceMs);
  }

  #straySight(reading: MinerReading | null): StraySight {
    const user = reading?.firstPool?.user ?? null;
    return {
      nowMs: this.#nowMs,
      listening: this.#around.listening(),
      connected: this.#connected,
      ours: user === null ? null : user === this.url.worker,
      worksElsewhere: reading !== null && !isPaused(this.#idle) && works(reading),
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
    const answer = reading && { simulated: this.#simulated, readAtUtcMs: utcMs(), raw: reading.raw };
    this.#answers?.keep(answer ?? undefined, changes.length > 0);
    if (this.#nowMs - this.#restartedMs < RESTART_MS) this.#watch.forget();
    this.#bringBack(reading);
    this.tick();
  }

  #bringBack(reading: MinerReading | null): void {
    if (this.#orders === undefined || this.#order !== undefined) return;
    const { stray, restart } = watchStray(this.#stray, this.#straySight(reading));
    this.#stray = stray;
    if (restart) this.#tell("restart");
  }

  /** One order at a time. */
  #tell(action: MinerAction["action"]): void {
    this.#order = this.#carryOut(action, { deadlineMs: ORDER_MS, signal: this.#ended.signal }).finally(() => {
      this.#order = undefined;
      // Meanwhile it may have become wrong.
      if (!this.#ended.signal.aborted) this.tick();
    });
  }

  /** Never rejects. */
  async #carryOut(action: MinerAction["action"], how: RequestOptions): Promise<void> {
    const outcome = (await this.#orders?.give(action, how)) ?? "unsupported";
    if (action !== "restart") {
      this.#idle = idleDone(this.#idle, action, outcome, this.#nowMs);
      return;
    }
    this.#restartedMs = this.#nowMs;
    this.#watch.forget();
  }
}

/** For its second pool, or at all. */
function works({ fallbackPool, hashrateGhs, miningPaused, overheated }: MinerReading): boolean {
  if (miningPaused === true || overheated === true) return false;
  return fallbackPool === true || (hashrateGhs ?? 0) > 0;
}
