/** Where an alarm is raised, and where it is cleared again. */

export interface Limits {
  /** The chip's, as the firmware's own limit; it clears below `tempCoolC`. */
  readonly tempHotC: number;
  readonly tempCoolC: number;
  /** The voltage regulator's. */
  readonly vrHotC: number;
  readonly vrCoolC: number;
  /** Below this the firmware throttles; null where the input is not measured or another voltage is meant. */
  readonly inputLowMv: number | null;
  readonly inputGoodMv: number | null;
  /** Draws less than this only if its chips are off, whatever hashrate it shows; null where it is not known. */
  readonly chipsOffW: number | null;
  /** Share of what is expected, 0…1. */
  readonly slowBelow: number;
  readonly slowClear: number;
  /** Rejected of all shares, 0…1. */
  readonly rejectsAbove: number;
  readonly rejectsClear: number;
  readonly rejectsManyAbove: number;
  readonly rejectsManyClear: number;
  /** Times the mean wait for a share; a miner that works waits 7 times the mean once in 1,100 shares. */
  readonly noShareTimes: number;
  /** And no less than this: it keeps a fast miner's rare long waits from being alarms. */
  readonly noShareLeastMs: number;
  /** The same by the mean that its clock promises, while it has sent too few shares for one of its own. */
  readonly unprovenTimes: number;
  readonly unprovenLeastMs: number;
  /** Of a miner that does not say what its clock promises. */
  readonly nominalGhs: number;
}

/** BM1366 on a 5 V board: the limits of ESP-Miner's own throttling (power_management_task.c, power.h). */
export const LV06_LIMITS: Limits = {
  tempHotC: 75,
  tempCoolC: 70,
  vrHotC: 105,
  vrCoolC: 100,
  inputLowMv: 4_900,
  inputGoodMv: 4_950,
  chipsOffW: 4,
  slowBelow: 0.75,
  slowClear: 0.8,
  rejectsAbove: 0.05,
  rejectsClear: 0.04,
  rejectsManyAbove: 0.1,
  rejectsManyClear: 0.08,
  noShareTimes: 7,
  noShareLeastMs: 120_000,
  // A healthy one may need three times as long as its clock promises: 7.1 s a share are recorded, 2.5 s promised.
  unprovenTimes: 21,
  unprovenLeastMs: 600_000,
  nominalGhs: 433.6,
};

/** BM1387 runs hotter by design, and its board measures neither regulator nor input. The 110 °C are our choice. */
export const S9_LIMITS: Limits = {
  ...LV06_LIMITS,
  tempHotC: 110,
  tempCoolC: 105,
  inputLowMv: null,
  inputGoodMv: null,
  chipsOffW: null,
  nominalGhs: 13_500,
};
