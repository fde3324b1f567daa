/**
 * Checks again and again, by a known answer, that images are served right; and tells the service manager only then.
 *
 * Whoever is told by this that the appliance lives, is told of verified work: neither a process that hangs nor one that
 * answers wrongly keeps its watchdog quiet.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Rounds } from "../base/rounds.ts";
import type { Notice, ServiceManager } from "../health/service-manager.ts";
import type { HealthData } from "../mqtt/messages.ts";
import { type SelfCheckReport, serves } from "./known-answer.ts";

export interface SelfcheckParts {
  /** Never rejects. */
  readonly check: () => Promise<SelfCheckReport>;
  readonly service: ServiceManager;
  readonly intervalMs: number;
  readonly monotonicMs: () => number;
  readonly utcMs: () => number;
  /** One line about how the appliance is. */
  readonly status: () => string;
  /** After each check. */
  readonly checked: (report: SelfCheckReport) => void;
  /** The service manager could not be told. */
  readonly failed: (error: unknown) => void;
}

/** A check that failed is repeated this soon, in ms. */
const AGAIN_MS = 5_000;
/** Without a check that passed for so many intervals, nothing is proven any more. */
const INTERVALS_MAX = 3;

export class Selfcheck {
  readonly #parts: SelfcheckParts;
  readonly #intervalMs: number;
  readonly #rounds = new Rounds({ round: (signal) => this.#round(signal), pause: (signal) => this.#pause(signal) });
  #last: { readonly report: SelfCheckReport; readonly utcMs: number } | undefined;
  #passedMs: number | undefined;
  #readyTold = false;

  constructor(parts: SelfcheckParts) {
    this.#parts = parts;
    // A watchdog is fed three times before it bites.
    this.#intervalMs = Math.min(
      parts.intervalMs,
      (parts.service.watchdogMs ?? Number.POSITIVE_INFINITY) / INTERVALS_MAX,
    );
  }

  /** Whether a check has passed, lately: images are served right. */
  get proven(): boolean {
    if (this.#passedMs === undefined) return false;
    return this.#parts.monotonicMs() - this.#passedMs <= INTERVALS_MAX * this.#intervalMs && !this.#failed;
  }

  /** Whether images are known not to be served right; undefined before the first check has ended. */
  get failing(): boolean | undefined {
    return this.#last === undefined ? undefined : !this.proven;
  }

  /** The last check; null before it. */
  get view(): HealthData["selfcheck"] {
    if (this.#last === undefined) return null;
    const { report, utcMs } = this.#last;
    return {
      ok: report.ok,
      proven: this.proven,
      utcMs,
      durationMs: report.checks.reduce((sum, { durationMs }) => sum + durationMs, 0),
      lastErrorCode: report.checks.find(({ ok }) => !ok)?.code ?? null,
      reference: report.reference,
    };
  }

  start(): void {
    this.#rounds.start();
  }

  /** Resolves once the check under way has ended. Never rejects. */
  async stop(): Promise<void> {
    const told = this.#tell("STOPPING=1");
    await Promise.all([this.#rounds.stop(), told]);
  }

  get #failed(): boolean {
    return this.#last !== undefined && !serves(this.#last.report);
  }

  async #round(signal: AbortSignal): Promise<void> {
    const report = await this.#parts.check();
    // What is being stopped fails for that.
    if (signal.aborted) return;
    this.#last = { report, utcMs: this.#parts.utcMs() };
    if (serves(report)) {
      this.#passedMs = this.#parts.monotonicMs();
      await this.#tellAlive();
    }
    this.#parts.checked(report);
  }

  async #tellAlive(): Promise<void> {
    const status = `STATUS=${this.#parts.status()}` as const;
    if (this.#readyTold) await this.#tell("WATCHDOG=1", status);
    else this.#readyTold = await this.#tell("READY=1", status);
  }

  /** @returns whether it was told */
  async #tell(...notices: readonly Notice[]): Promise<boolean> {
    try {
      await this.#parts.service.tell(...notices);
      return true;
    } catch (error) {
      this.#parts.failed(error);
      return false;
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const pauseMs = this.#failed ? Math.min(AGAIN_MS, this.#intervalMs) : this.#intervalMs;
    await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {});
  }
}
