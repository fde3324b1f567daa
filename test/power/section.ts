/** What becomes of the store when its disk is full, or its power is cut. */
import type { Piece, Run, Section } from "../reliability/section.ts";
import { runCutOff, runPageLost } from "./cut-off.ts";
import { runFull, runKilled, runPowerCut, runSalvageCut, runSalvageKilled, runTorn } from "./lives.ts";

/** More than any life has operations, so that each has its turn. */
const EVERY = 2_000;
const STATES = 20_000;
/** Of the database and of its journal, each: what went wrong so far went wrong at dozens of lengths beside each other. */
const LENGTHS = 20_000;

const RUNS: Readonly<Record<string, readonly [run: Run, amount: number]>> = {
  "disk full at every operation": [runFull, EVERY],
  "killed at every operation": [runKilled, EVERY],
  "torn at every operation": [runTorn, EVERY],
  "power cut": [runPowerCut, STATES],
  "killed while saving": [runSalvageKilled, EVERY],
  "power cut while saving": [runSalvageCut, STATES],
  "every page lost": [runPageLost, EVERY],
  "cut off at any length": [runCutOff, LENGTHS],
};

export const POWER: Section = {
  name: "power",
  title:
    "The store's disk is full, torn, cut off or without power at any operation; every result that was reported durable is there, and numbers go on.",
  unit: "states of the disk",
  pieces: (amount) => Object.entries(RUNS).map(([name, [run, most]]): Piece => ({ name, amount: amount ?? most, run })),
};
