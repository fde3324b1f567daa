/**
 * What is tried, and when, to get a device back (SPEC §6): repeat → reset → close and open → leave it alone for a while.
 *
 * Repeating is the session's. Everything above it is decided here, from what went wrong and what was tried before.
 * Pure: time and randomness come in, a step goes out.
 */

export type Trouble =
  /** There is no such port, or no port with this device. */
  | "absent"
  /** The port is there, and another program holds it or this user may not open it. */
  | "unopened"
  /** The connection ended: unplugged, restarted, or its port failed. */
  | "lost"
  /** The port is open and nothing that makes sense comes out of it. */
  | "silent"
  /** It answers, but fails what it is asked again and again. */
  | "sick";

/** `none`: nothing is wrong. The others say what is done about it. */
export type Rung = "none" | "reopen" | "reset" | "rest";

export interface Recovery {
  readonly rung: Rung;
  /** Error code of what went wrong last; null when nothing is. */
  readonly reason: string | null;
  /** Attempts in a row that did not bring the device back. */
  readonly failures: number;
  /** Resets within the last hour: each costs a device its work, and a broken one is not reset for ever. */
  readonly resets: number;
}

export interface RecoveryLimits {
  /** The first wait before connecting again, in ms; doubled at each failure. */
  readonly backoffMs: number;
  /** The longest wait, in ms. */
  readonly backoffMaxMs: number;
  readonly resetsAnHour: number;
  /** Failures in a row of a device that is plugged in before it is left alone. */
  readonly failuresMax: number;
  /** For how long, in ms. */
  readonly restMs: number;
  /** A device that stays for so long, and serves, is well again. In ms. */
  readonly provenMs: number;
  /** Waits within `restMs` that end because something was plugged. */
  readonly plugsMax: number;
}

export const RECOVERY_LIMITS: RecoveryLimits = {
  backoffMs: 500,
  backoffMaxMs: 30_000,
  resetsAnHour: 4,
  failuresMax: 6,
  restMs: 300_000,
  provenMs: 60_000,
  plugsMax: 3,
};

export interface Step {
  readonly rung: Exclude<Rung, "none">;
  /** Before the next attempt to connect. */
  readonly waitMs: number;
}

const HOUR_MS = 3_600_000;

export class RecoveryLadder {
  readonly #limits: RecoveryLimits;
  #rung: Rung = "none";
  #reason: string | null = null;
  /** Decides the waits: everything that failed since the device last served. */
  #failures = 0;
  /** Decides when to rest: only what failed with the device plugged in. */
  #present = 0;
  /** Its last request failed: that it answers its heartbeat does not show that it serves. */
  #failing = false;
  #resetsAtMs: readonly number[] = [];
  #plugsAtMs: readonly number[] = [];

  constructor(limits: Partial<RecoveryLimits> = {}) {
    this.#limits = { ...RECOVERY_LIMITS, ...limits };
  }

  /** How long a device is left alone, in ms. */
  get restMs(): number {
    return this.#limits.restMs;
  }

  view(nowMs: number): Recovery {
    const resets = this.#recent(nowMs).length;
    return { rung: this.#rung, reason: this.#reason, failures: this.#failures, resets };
  }

  /** The device is connected, answers its heartbeat, and has stayed for so long. What was reset stays counted. */
  stayed(forMs: number): void {
    if (forMs >= this.#limits.provenMs && !this.#failing) this.#forget();
  }

  /** How a request ended. */
  asked(served: boolean): void {
    this.#failing = !served;
  }

  /** Another device is there: what the one before it did does not count against it. */
  replaced(): void {
    this.#failing = false;
    this.#forget();
  }

  /**
   * Something was plugged that may be the device. What was counted stays: it may be the same one, with a loose contact.
   *
   * @returns whether to end the wait for it; not more often than `plugsMax` times in `restMs`
   */
  replugged(nowMs: number): boolean {
    this.#plugsAtMs = this.#plugsAtMs.filter((atMs) => nowMs - atMs < this.#limits.restMs);
    if (this.#plugsAtMs.length >= this.#limits.plugsMax) return false;
    this.#plugsAtMs = [...this.#plugsAtMs, nowMs];
    this.#failures = 0;
    return true;
  }

  /**
   * @param reason the error's code
   * @param random uniform in [0, 1): spreads the waits, so that several appliances do not knock in step
   */
  next(trouble: Trouble, reason: string, nowMs: number, random: number): Step {
    const before = this.#failures;
    this.#failures += 1;
    this.#reason = reason;
    const rung = this.#choose(trouble, nowMs);
    this.#rung = rung;
    if (rung === "reset") this.#resetsAtMs = [...this.#recent(nowMs), nowMs];
    if (rung !== "rest") return { rung, waitMs: this.#backoffMs(before, random) };
    // Afterwards the ladder is climbed from its foot; the count of resets is not forgotten.
    this.#present = 0;
    return { rung, waitMs: this.#limits.restMs };
  }

  #forget(): void {
    this.#rung = "none";
    this.#reason = null;
    this.#failures = 0;
    this.#present = 0;
    this.#plugsAtMs = [];
  }

  #choose(trouble: Trouble, nowMs: number): Step["rung"] {
    switch (trouble) {
      case "absent":
        this.#present = 0;
        return "reopen";
      case "unopened":
        return "reopen";
      case "lost":
        this.#present += 1;
        return this.#present >= this.#limits.failuresMax ? "rest" : "reopen";
      case "silent":
      case "sick":
        this.#present += 1;
        if (this.#present >= this.#limits.failuresMax) return "rest";
        // By turns: a reset that did not help is followed by a fresh connection without one.
        return this.#present % 2 === 1 && this.#recent(nowMs).length < this.#limits.resetsAnHour ? "reset" : "reopen";
    }
  }

  #recent(nowMs: number): readonly number[] {
    return this.#resetsAtMs.filter((atMs) => nowMs - atMs < HOUR_MS);
  }

  /** Between half and all of the doubled wait. */
  #backoffMs(failures: number, random: number): number {
    const { backoffMs, backoffMaxMs } = this.#limits;
    const fullMs = Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(failures, 30));
    return Math.round(fullMs * (0.5 + random / 2));
  }
}
