/**
 * `device.stratum.idle: pause`: when a miner's chips are switched off and on again. A pure state machine.
 *
 * Nothing that was asked for is trusted to have happened: a miner that was told to pause counts as paused until it
 * has taken a resume, so that none is left standing still.
 */

import type { OrderOutcome } from "./miner-orders.ts";

export interface IdleState {
  /** Since when nothing is to be sealed, without a break; null while something is. */
  readonly idleSinceMs: number | null;
  /** It was told to pause, and has not taken a resume since. */
  readonly told: boolean;
  /** It said that it stands still, at a look while nothing was to be sealed: from an earlier run of the appliance. */
  readonly found: boolean;
  /** Not asked for anything before. */
  readonly notBeforeMs: number;
}

export interface IdleSight {
  /** On a clock that never goes back. */
  readonly nowMs: number;
  /** Whether a batch gathers or is worked on. */
  readonly busy: boolean;
  /** Whether it works for our pool: who works for another is not switched off. */
  readonly connected: boolean;
}

export type IdleAction = "pause" | "resume";

export const NOT_IDLE: IdleState = {
  idleSinceMs: null,
  told: false,
  found: false,
  notBeforeMs: Number.NEGATIVE_INFINITY,
};

const IDLE_MS = 5 * 60_000;
const UNSUPPORTED_REST_MS = 60 * 60_000;
const RESUME_RETRY_MS = 5_000;

/** Whether it stands still because of us, as far as we know. */
export function isPaused({ told, found }: IdleState): boolean {
  return told || found;
}

/** What it said at a look; null: nothing. Only what is found while idle counts: a pause amid work is its owner's. */
export function sawPaused(state: IdleState, paused: boolean | null): IdleState {
  if (paused === null || state.idleSinceMs === null) return state;
  return { ...state, found: paused };
}

/** What is to be asked of it now, if anything. */
export function nextIdle(
  before: IdleState,
  { nowMs, busy, connected }: IdleSight,
): { readonly state: IdleState; readonly action: IdleAction | null } {
  const idleSinceMs = busy ? null : (before.idleSinceMs ?? nowMs);
  const state = { ...before, idleSinceMs };
  if (isPaused(state)) return { state, action: busy && nowMs >= state.notBeforeMs ? "resume" : null };
  const due = idleSinceMs !== null && nowMs - idleSinceMs >= IDLE_MS && nowMs >= state.notBeforeMs;
  return { state, action: due && connected ? "pause" : null };
}

/** The action that was asked for, and what came of it. */
export function idleDone(state: IdleState, action: IdleAction, outcome: OrderOutcome, nowMs: number): IdleState {
  if (outcome === "unsupported") {
    return { ...state, told: false, found: false, notBeforeMs: nowMs + UNSUPPORTED_REST_MS };
  }
  if (action === "pause") return { ...state, told: true, notBeforeMs: nowMs };
  if (outcome === "done") return { ...state, told: false, found: false, notBeforeMs: nowMs };
  return { ...state, notBeforeMs: nowMs + RESUME_RETRY_MS };
}
