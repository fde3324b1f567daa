/** How much energy a seal takes, by the power that the devices report. Pure. */

/** A device that works on the batch. */
export interface WorkingPower {
  /** null: not known, or known too long ago. */
  readonly powerW: number | null;
  readonly simulated: boolean;
}

export interface SealEnergy {
  readonly energyPerSealJ: number;
  /** Whether any of the power was a model's. */
  readonly energySimulated: boolean;
}

const SEALS_MAX = 16;

/**
 * Mean energy of the last 16 seals whose power was known: reported power × the time that the work took.
 *
 * What it is: what the boards themselves say that they draw. Boards with a meter (INA260, as on an LV06) measure their
 * input; those with a TPS546 add a fixed figure to what their regulator delivers, and then it is the firmware's
 * estimate. What it is not: power at the wall (the supply's loss is missing), and not what sealing costs in addition,
 * since miners that keep their last job draw the same while nothing waits. A seal that a device without a known power
 * worked on counts for nothing: a sum over the others would be too low.
 */
export class EnergyMeter {
  readonly #seals: { readonly joules: number; readonly simulated: boolean }[] = [];

  /** @param devices all that worked on the batch @param elapsedMs how long they did */
  sealed(devices: readonly WorkingPower[], elapsedMs: number): void {
    const powers = devices.map(({ powerW }) => powerW).filter((powerW) => powerW !== null);
    if (devices.length === 0 || powers.length < devices.length || !(elapsedMs >= 0)) return;
    const watts = powers.reduce((sum, powerW) => sum + powerW, 0);
    this.#seals.push({ joules: (watts * elapsedMs) / 1000, simulated: devices.some(({ simulated }) => simulated) });
    if (this.#seals.length > SEALS_MAX) this.#seals.shift();
  }

  /** Undefined until a seal's power was known. */
  get mean(): SealEnergy | undefined {
    if (this.#seals.length === 0) return undefined;
    const joules = this.#seals.reduce((sum, seal) => sum + seal.joules, 0) / this.#seals.length;
    return { energyPerSealJ: round(joules), energySimulated: this.#seals.some(({ simulated }) => simulated) };
  }
}

/** Thousandths: far finer than any of these meters. */
function round(joules: number): number {
  return Math.round(joules * 1000) / 1000;
}
