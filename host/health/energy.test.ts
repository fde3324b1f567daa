import { expect, test } from "vitest";
import { EnergyMeter } from "./energy.ts";

const lv06 = { powerW: 12.5, simulated: false };

test("a seal's energy is the power of all that worked on it times the time that it took", () => {
  const meter = new EnergyMeter();
  meter.sealed([lv06, { powerW: 7.5, simulated: false }], 2_500);
  expect(meter.mean).toEqual({ energyPerSealJ: 50, energySimulated: false });
});

test("nothing is known before a seal whose power was known: no figure, not 0", () => {
  const meter = new EnergyMeter();
  expect(meter.mean).toBeUndefined();
  meter.sealed([], 1_000);
  meter.sealed([lv06, { powerW: null, simulated: false }], 1_000);
  expect(meter.mean).toBeUndefined();
});

test("the mean is over the last 16 such seals", () => {
  const meter = new EnergyMeter();
  for (let seal = 0; seal < 20; seal++) meter.sealed([{ powerW: seal, simulated: false }], 1_000);
  expect(meter.mean?.energyPerSealJ).toBe((4 + 19) / 2);
});

test("one seal with a model's power makes the figure simulated, until it is out of the mean", () => {
  const meter = new EnergyMeter();
  meter.sealed([lv06, { powerW: 1, simulated: true }], 1_000);
  meter.sealed([lv06], 1_000);
  expect(meter.mean?.energySimulated).toBe(true);
  for (let seal = 0; seal < 15; seal++) meter.sealed([lv06], 1_000);
  expect(meter.mean).toEqual({ energyPerSealJ: 12.5, energySimulated: false });
});
