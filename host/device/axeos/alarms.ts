/** What can be wrong with a miner, how long it must last, and what to do. */

/** Alarm → what is wrong, and what to do. */
export const MINER_ALARMS = {
  MINER_OFFLINE: "The miner does not answer: check its power and its WiFi.",
  MINER_NOT_HASHING: "The miner answers but does not hash: look at its page for a fault or a pause, then restart it.",
  MINER_SLOW: "The miner hashes slower than its clock promises: check supply, cooling and overclocking.",
  MINER_OVERSTATES:
    "The miner claims more than twice the hashrate that its verified shares show: trust the shares; check network and firmware.",
  MINER_NO_SHARE:
    "No valid share has come for much longer than the miner should need: check that it works for this host, and hashes.",
  MINER_CHIP_HOT: "The miner's chip is too hot: give it air, clean or replace the fan, lower its frequency.",
  MINER_VR_HOT: "The miner's voltage regulator is too hot: give it air, lower its frequency.",
  MINER_FAN: "The miner's fan stands still: switch the miner off and replace the fan.",
  MINER_VOLTAGE: "The miner's supply voltage is too low: use a stronger supply and a shorter cable.",
  MINER_REJECTS: "More than 5 % of the miner's shares are rejected: look at the reasons in its readings.",
  MINER_REJECTS_MANY: "More than 10 % of the miner's shares are rejected: look at the reasons in its readings.",
  MINER_RESTARTED: "The miner has restarted by itself: if it happens again, check its supply and its reset reason.",
  MINER_FALLBACK: "The miner works for its fallback pool: check that it can reach this host's bridge.",
  MINER_ELSEWHERE: "The miner is set to another pool: pair it again, or take it out of device.miners.",
  MINER_FAULT: "The miner reports a fault of its power or hardware: its words are in its readings.",
  MINER_CHIPS: "The miner misses chips: restart it; if they stay away, a hash board is broken.",
} as const;

export type MinerAlarmCode = keyof typeof MINER_ALARMS;

export interface Lasting {
  /** How long it must be bad without a break before it is raised, in ms. */
  readonly raiseMs: number;
  /** How long it must be good without a break before it is cleared, in ms. */
  readonly clearMs: number;
}

const MINUTE_MS = 60_000;

export const LASTING: Readonly<Record<MinerAlarmCode, Lasting>> = {
  MINER_OFFLINE: { raiseMs: MINUTE_MS, clearMs: 0 },
  // Booting, finding the network and starting the chips take most of three minutes at worst.
  MINER_NOT_HASHING: { raiseMs: 3 * MINUTE_MS, clearMs: 0 },
  MINER_SLOW: { raiseMs: 10 * MINUTE_MS, clearMs: MINUTE_MS },
  MINER_OVERSTATES: { raiseMs: 10 * MINUTE_MS, clearMs: MINUTE_MS },
  MINER_NO_SHARE: { raiseMs: 0, clearMs: 0 },
  MINER_CHIP_HOT: { raiseMs: 0, clearMs: MINUTE_MS },
  MINER_VR_HOT: { raiseMs: 0, clearMs: MINUTE_MS },
  MINER_FAN: { raiseMs: 30_000, clearMs: 30_000 },
  MINER_VOLTAGE: { raiseMs: 30_000, clearMs: MINUTE_MS },
  MINER_REJECTS: { raiseMs: 0, clearMs: 0 },
  MINER_REJECTS_MANY: { raiseMs: 0, clearMs: 0 },
  MINER_RESTARTED: { raiseMs: 0, clearMs: 10 * MINUTE_MS },
  MINER_FALLBACK: { raiseMs: MINUTE_MS, clearMs: 0 },
  MINER_ELSEWHERE: { raiseMs: 5 * MINUTE_MS, clearMs: 0 },
  MINER_FAULT: { raiseMs: 0, clearMs: 0 },
  MINER_CHIPS: { raiseMs: 5 * MINUTE_MS, clearMs: MINUTE_MS },
};
