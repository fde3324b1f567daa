/**
 * The Stratum bridge under virtual time: miners on sound lines beside miners on lines under faults and with forged
 * shares. What must hold:
 *
 * - no share is accepted, and no proof given, but for work that this tier recomputes, once, for the right batch
 * - miners on sound lines are not disturbed: never refused, never cut off
 * - once the faults are over, the others serve again
 * - nothing is left behind: no timers, connections or bytes
 */
import { createHash } from "node:crypto";
import { admitListed } from "../../host/device/stratum/admission.ts";
import { type BridgeOptions, type FoundProof, StratumBridge } from "../../host/device/stratum/bridge.ts";
import type { AcceptedShare } from "../../host/device/stratum/miner-work.ts";
import { difficultyOf } from "../../host/device/stratum/testing/fake-job.ts";
import { Seeded } from "../../host/device/testing/seeded.ts";
import { FaultBox } from "../faults/faulty.ts";
import { FAULT_KINDS, type FaultKind, LIES } from "../faults/kinds.ts";
import { type FaultPlan, NO_FAULTS } from "../faults/plan.ts";
import { VirtualClock } from "./clock.ts";
import { VirtualMiner } from "./miner.ts";
import { drawFault } from "./steps.ts";

export interface StratumScenarioReport {
  readonly seed: number;
  readonly simulated: true;
  /** What went wrong; must be empty. */
  readonly findings: readonly string[];
  readonly plan: FaultPlan;
  readonly fired: Readonly<Partial<Record<FaultKind, number>>>;
  readonly shares: number;
  readonly refused: number;
  readonly proofs: number;
  readonly connections: number;
  readonly recoveryMs: number;
  readonly virtualMs: number;
  readonly trace: string;
}

/** A defect that is planted, to see that it is found. */
export interface StratumPlant {
  readonly share?: (share: AcceptedShare) => AcceptedShare;
  readonly proof?: (found: FoundProof) => FoundProof;
  readonly options?: (clock: VirtualClock) => Partial<BridgeOptions>;
}

/** 32 hashes a share. */
const EASY = 2 ** -27;
const SEAL = 4 * EASY;
const UTC_MS = 1_800_000_000_000;
const CALM_MS = 15_000;
const RECOVERY_MS = 120_000;
const AFTERMATH_MS = 60_000;
const SEALS = 4;
const SOUND = 2;
const ILL = 2;
/** Those of lines that are not a device's: a write has no answer here, and nothing restarts. */
const KINDS = FAULT_KINDS.filter(
  (kind) =>
    kind === "forge" ||
    !([...LIES, "restart", "crash", "eio", "hang", "banner"] as readonly FaultKind[]).includes(kind),
);

export async function runStratumScenario(seed: number, plant: StratumPlant = {}): Promise<StratumScenarioReport> {
  return new StratumScene(seed, plant).play();
}

class StratumScene {
  readonly #seed: number;
  readonly #random: Seeded;
  readonly #clock = new VirtualClock();
  readonly #plan: FaultPlan;
  readonly #box: FaultBox;
  readonly #bridge: StratumBridge;
  readonly #sound: readonly VirtualMiner[];
  readonly #ill: readonly VirtualMiner[];
  readonly #findings = new Set<string>();
  readonly #headers = new Set<string>();
  readonly #trace: string[] = [];
  #proofs = 0;

  constructor(seed: number, plant: StratumPlant) {
    this.#seed = seed;
    this.#random = new Seeded(seed);
    const faults = Array.from({ length: 1 + this.#random.below(4) }, () => drawFault(this.#random, KINDS));
    this.#plan = { seed, faults: faults.map(({ verb: _, ...fault }) => fault) };
    const clock = this.#clock;
    this.#box = new FaultBox(this.#plan, { clock });
    this.#bridge = new StratumBridge({
      ...{ clock, utcMs: () => UTC_MS + clock.nowMs(), random: (count) => this.#random.bytes(count) },
      admit: admitListed({ workers: [], simulated: ["sound", "ill"] }),
      simulatedVardiff: { least: EASY, most: EASY },
      onShare: (share) => this.#share(plant.share?.(share) ?? share),
      onProof: (found) => this.#proof(plant.proof?.(found) ?? found),
      ...plant.options?.(clock),
    });
    const sound = new FaultBox(NO_FAULTS, { clock });
    const miner = (name: string, box: FaultBox) =>
      new VirtualMiner({ worker: name, bridge: this.#bridge, clock, random: new Seeded(seed ^ name.length).next, box });
    this.#sound = Array.from({ length: SOUND }, (_, i) => miner(`sound.${i}`, sound));
    this.#ill = Array.from({ length: ILL }, (_, i) => miner(`ill.${i}`, this.#box));
  }

  async play(): Promise<StratumScenarioReport> {
    for (let i = 0; i < SEALS; i++) this.#clock.after(this.#random.below(CALM_MS), () => this.#seek());
    await this.#clock.run(CALM_MS);
    const recoveryMs = await this.#recover();
    this.#judgeSound();
    this.#bridge.close();
    for (const miner of [...this.#sound, ...this.#ill]) miner.stop();
    await this.#clock.run(this.#clock.nowMs() + AFTERMATH_MS);
    if (this.#clock.pending > 0) this.#find(`${this.#clock.pending} timers are left behind`);
    if (this.#bridge.view().connections > 0) this.#find("connections are left behind");
    if (this.#box.waitingBytes > 0) this.#find("bytes are left on the line");
    return {
      ...{ seed: this.#seed, simulated: true, findings: [...this.#findings], plan: this.#plan, fired: this.#box.fired },
      ...{ shares: this.#headers.size, proofs: this.#proofs, recoveryMs, virtualMs: this.#clock.nowMs() },
      refused: this.#ill.reduce((sum, { refused }) => sum + refused, 0),
      connections: this.#ill.reduce((sum, { connections }) => sum + connections, 0),
      trace: createHash("sha256").update(this.#trace.join("\n")).digest("hex"),
    };
  }

  #seek(): void {
    this.#bridge.seek({ commitment: this.#random.bytes(32), difficulty: 256, simulatedDifficulty: SEAL });
  }

  /** Each of the others has another share accepted. */
  async #recover(): Promise<number> {
    this.#box.heal();
    const calmMs = this.#clock.nowMs();
    const before = this.#ill.map(({ accepted }) => accepted);
    const back = () => this.#ill.every(({ accepted }, i) => accepted > (before[i] ?? 0));
    if (!(await this.#clock.run(calmMs + RECOVERY_MS, back))) this.#find("a miner does not come back");
    return this.#clock.nowMs() - calmMs;
  }

  #judgeSound(): void {
    for (const { accepted, refused, connections } of this.#sound) {
      if (refused > 0) this.#find("a miner on a sound line was refused a share");
      if (connections > 1) this.#find("a miner on a sound line was cut off");
      if (accepted < CALM_MS / 2000) this.#find(`a miner on a sound line had ${accepted} shares accepted`);
    }
  }

  #share({ verdict, difficulty, batch }: AcceptedShare): void {
    const header = Buffer.from(verdict.header).toString("hex");
    this.#trace.push(`${this.#clock.nowMs()} ${header}`);
    if (!(difficultyOf(verdict.header) >= difficulty)) this.#find("a share without its work was accepted");
    if (this.#headers.has(header)) this.#find("a share was counted twice");
    if (!isFor(verdict.proof.coinbase, batch.commitment)) this.#find("a share for something else was accepted");
    this.#headers.add(header);
  }

  #proof({ proof, commitment }: FoundProof): void {
    this.#proofs += 1;
    if (!(difficultyOf(proof.header) >= SEAL)) this.#find("a proof without its work was given");
    if (!isFor(proof.coinbase, commitment)) this.#find("a proof of something else was given");
  }

  #find(what: string): void {
    this.#findings.add(what);
  }
}

function isFor(coinbase: Uint8Array, commitment: Uint8Array): boolean {
  return Buffer.from(coinbase).includes(Buffer.from(commitment));
}
