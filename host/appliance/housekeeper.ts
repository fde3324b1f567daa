/**
 * Keeps the store within its limits, a little at a time: events that no broker took for a week, results that are too
 * old or too many, and rows that an older key encrypted. The policy stands in docs/guide.md, "What grows".
 */
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { errorCode } from "../base/error.ts";
import { Rounds } from "../base/rounds.ts";
import type { Config } from "../config/schema.ts";
import { type Identity, topicOf } from "../mqtt/topics.ts";
import type { ResultStore } from "../store/results.ts";
import { needsRoom, nextStep, type RetentionPolicy, type RetentionStep } from "../store/retention.ts";

/** What one round removed. */
export interface Removed {
  readonly events: number;
  readonly results: number;
}

export interface HousekeeperParts {
  readonly store: Pick<ResultStore, "upkeep" | "read">;
  readonly policy: RetentionPolicy;
  /** Events wait under this topic. */
  readonly eventTopic: string;
  readonly utcMs: () => number;
  /** False while the clock is known to be wrong: nothing is removed for its age then. */
  readonly timeTrusted: () => boolean;
  /** Once a round in which something was. */
  readonly removed: (removed: Removed) => void;
  /** One round failed; the next one tries again. */
  readonly failed: (error: unknown) => void;
}

const EVERY_MS = 10_000;
const DAY_MS = 86_400_000;
const EVENT_MAX_AGE_MS = 7 * DAY_MS;
/** Of one round: the store has other things to do. */
const SLICES_MAX = 64;

/** @param days null for no limit */
export function ageOf(days: number | null): number | null {
  return days === null ? null : days * DAY_MS;
}

export class Housekeeper {
  readonly #parts: HousekeeperParts;
  readonly #rounds = new Rounds({
    round: (signal) => this.#round(signal),
    pause: (signal) => sleep(EVERY_MS, undefined, { signal, ref: false }).catch(() => {}),
  });
  /** Room is being made. */
  #making = false;
  #lastErrorCode: string | null = null;

  constructor(parts: HousekeeperParts) {
    this.#parts = parts;
  }

  /** Of the last round; null where it went well. */
  get lastErrorCode(): string | null {
    return this.#lastErrorCode;
  }

  /** Idempotent. */
  start(): void {
    this.#rounds.start();
  }

  /** Resolves once the slice under way is done. Idempotent, never throws. */
  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** One round. @throws StoreError */
  async tidy(signal: AbortSignal = this.#rounds.signal): Promise<void> {
    let left = SLICES_MAX;
    const goesOn = () => left-- > 0 && !signal.aborted;
    const removed = { events: 0, results: 0 };
    try {
      await slices(goesOn, () => this.#keepTime());
      await slices(
        goesOn,
        () => this.#ageEvents(),
        (rows) => {
          removed.events += rows;
        },
      );
      await slices(
        goesOn,
        () => this.#removeSome(),
        (rows) => {
          removed.results += rows;
        },
      );
    } finally {
      if (removed.events + removed.results > 0) this.#parts.removed(removed);
    }
    await slices(goesOn, async () => (await this.#parts.store.upkeep.reseal()) || null);
  }

  async #round(signal: AbortSignal): Promise<void> {
    try {
      await this.tidy(signal);
      this.#lastErrorCode = null;
    } catch (error) {
      this.#lastErrorCode = errorCode(error);
      this.#parts.failed(error);
    }
  }

  /** What was stored while nobody knew the time counts from when somebody does. */
  async #keepTime(): Promise<number | null> {
    const { store, timeTrusted } = this.#parts;
    if (timeTrusted()) return (await store.upkeep.timeKnown()) || null;
    await store.upkeep.timeUnknown();
    return null;
  }

  get #mayAge(): boolean {
    return this.#parts.timeTrusted() && !this.#parts.store.upkeep.isUntimed;
  }

  async #ageEvents(): Promise<number | null> {
    const { store, eventTopic, utcMs } = this.#parts;
    if (!this.#mayAge) return null;
    return (await store.upkeep.ageMessages(eventTopic, utcMs() - EVENT_MAX_AGE_MS)) || null;
  }

  async #removeSome(): Promise<number | null> {
    const step = this.#nextStep();
    const { upkeep } = this.#parts.store;
    switch (step.kind) {
      case "look on":
        await turn();
        return 0;
      case "none":
        return null;
      case "batch":
        return upkeep.pruneBatch(step.batch);
      case "ledger":
        await upkeep.pruneLedger();
        return 0;
      case "unbound":
        return upkeep.pruneUnbound(step.throughUtcMs);
    }
  }

  /** Where results are looked for and more are to be seen, the oldest is not known yet. */
  #nextStep(): RetentionStep | { readonly kind: "look on" } {
    const { store, policy, utcMs } = this.#parts;
    const { usedBytes } = store.read.usage();
    this.#making = needsRoom(usedBytes, policy.maxBytes, this.#making);
    const { more, ...removable } = store.upkeep.removable(this.#making || policy.maxAgeMs !== null);
    if (more && removable.begun === undefined) return { kind: "look on" };
    const facts = { ...removable, utcMs: utcMs(), timeTrusted: this.#mayAge, usedBytes };
    return nextStep(facts, policy, this.#making);
  }
}

type Surroundings = Pick<HousekeeperParts, "store" | "timeTrusted" | "removed" | "failed">;

export function makeHousekeeper({ store }: Config, identity: Identity, around: Surroundings): Housekeeper {
  return new Housekeeper({
    ...around,
    policy: { maxBytes: store.maxBytes, maxAgeMs: ageOf(store.maxAgeDays) },
    eventTopic: topicOf(identity, "event"),
    utcMs: Date.now,
  });
}

/** Slice after slice, until one says that nothing is left by null. @param done how many rows each was */
async function slices(
  goesOn: () => boolean,
  slice: () => Promise<number | null>,
  done: (rows: number) => void = () => {},
): Promise<void> {
  while (goesOn()) {
    const rows = await slice();
    if (rows === null) break;
    done(rows);
  }
}
