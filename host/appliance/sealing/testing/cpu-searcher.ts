/** A searcher that really searches, on the CPU, at a difficulty of a few hashes: the devices' part in tests. */
import { randomBytes } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { sha256d } from "../../../work/header.ts";
import { meetsTarget, targetOfDifficulty } from "../../../work/target.ts";
import { proofOfFound, workTemplate } from "../../../work/template.ts";
import type { FoundWork, Searcher, SearchJob } from "../searchers.ts";

/** 16 hashes. */
export const TINY = 2 ** -28;
const VERSION = 0x20000000;

export class CpuSearcher implements Searcher {
  there: "real" | "simulated" | "none";
  /** Holds what it found until it is let go. */
  held = false;
  meanMs = 10;
  readonly jobs: SearchJob[] = [];
  readonly #name: string;

  constructor(there: "real" | "simulated" | "none", name = "cpu") {
    this.there = there;
    this.#name = name;
  }

  presence() {
    return this.there;
  }

  expectedMs(simulated: boolean): number | null {
    return this.there === "none" || (this.there === "simulated" && !simulated) ? null : this.meanMs;
  }

  async seek(job: SearchJob, signal: AbortSignal): Promise<FoundWork | null> {
    this.jobs.push(job);
    const { commitment } = job;
    const template = workTemplate({ commitment, ntime: 1_700_000_000, extranonce: randomBytes(8) });
    const target = targetOfDifficulty(TINY);
    for (let nonce = 0; !signal.aborted; nonce++) {
      if (nonce % 64 === 0 || this.held) await turn();
      if (this.held || this.there === "none") continue;
      const proof = proofOfFound(template, { version: VERSION, nonce });
      if (!meetsTarget(sha256d(proof.header), target)) continue;
      const device = { kind: "usb", simulated: this.there === "simulated", name: this.#name } as const;
      return { proof, device, difficulty: TINY };
    }
    return null;
  }
}
