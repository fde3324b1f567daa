/** What all miners work on: 32 bytes, and the work that seals them. */
import { expectBytes } from "../../work/bytes.ts";
import { SHA256_BYTES, taggedSha256 } from "../../work/sha256.ts";
import { targetOfDifficulty } from "../../work/target.ts";

export interface Sealing {
  /** The sealed value D, 32 bytes. */
  readonly commitment: Uint8Array;
  /** The difficulty that a share must prove, from a real miner. */
  readonly difficulty: number;
  /** The same for simulated sessions, which may be a fraction; null: none of them seals. */
  readonly simulatedDifficulty: number | null;
}

/** A difficulty, and the target that it stands for. */
interface Wanted {
  readonly difficulty: number;
  /** 32 bytes, most significant first. */
  readonly target: Uint8Array;
}

function wanted(difficulty: number | null): Wanted | null {
  return difficulty === null ? null : { difficulty, target: targetOfDifficulty(difficulty) };
}

export class Batch {
  readonly commitment: Uint8Array;
  readonly #real: Wanted | null;
  readonly #simulated: Wanted | null;

  private constructor(commitment: Uint8Array, real: number | null, simulated: number | null) {
    expectBytes("commitment", commitment, SHA256_BYTES);
    this.commitment = Uint8Array.from(commitment);
    this.#real = wanted(real);
    this.#simulated = wanted(simulated);
  }

  /** @throws WorkError WORK_LENGTH, WORK_DIFFICULTY */
  static of({ commitment, difficulty, simulatedDifficulty }: Sealing): Batch {
    return new Batch(commitment, difficulty, simulatedDifficulty);
  }

  /** Until there is something to seal: a public constant. Its shares seal nothing and show that the miner works. */
  static idle(): Batch {
    return new Batch(taggedSha256("lv06/idle/1"), null, null);
  }

  /** What a share must meet to seal it; null where none of that kind can. */
  wanted(simulated: boolean): Wanted | null {
    return simulated ? this.#simulated : this.#real;
  }
}
