import { expect, test } from "vitest";
import { targetOfDifficulty } from "../../work/target.ts";
import { Batch } from "./batch.ts";

const sealing = { commitment: Buffer.alloc(32, 1), difficulty: 256, simulatedDifficulty: 0.5 };

test("a real miner's share must prove the difficulty, a simulated one's its own, which may be none", () => {
  const batch = Batch.of(sealing);
  expect(batch.wanted(false)).toEqual({ difficulty: 256, target: targetOfDifficulty(256) });
  expect(batch.wanted(true)).toEqual({ difficulty: 0.5, target: targetOfDifficulty(0.5) });
  expect(Batch.of({ ...sealing, simulatedDifficulty: null }).wanted(true)).toBeNull();
});

test("nothing seals the idle batch", () => {
  expect([Batch.idle().wanted(false), Batch.idle().wanted(true)]).toEqual([null, null]);
});

test("a commitment of another length or a difficulty out of range is refused", () => {
  expect(() => Batch.of({ ...sealing, commitment: Buffer.alloc(31) })).toThrow(/WORK_LENGTH/);
  expect(() => Batch.of({ ...sealing, difficulty: 0 })).toThrow(/WORK_DIFFICULTY/);
});
