/** What the reliability proof is made of: sections of pieces, each run by itself and judged at its end. */

export interface Task {
  /** Decides what is drawn; what the machine's own time decides is not in it. */
  readonly seed: number;
  /** In the section's unit. */
  readonly amount: number;
  /** The piece's own, empty. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** @param done of `amount` */
  progress(done: number): void;
}

export interface Outcome {
  readonly counts: Readonly<Record<string, number>>;
  /** Everything that is not as it must be; none where all is well. */
  readonly findings: readonly string[];
}

export interface Piece {
  readonly name: string;
  readonly amount: number;
  run(task: Task): Promise<Outcome>;
}

export interface Section {
  readonly name: string;
  /** What is done to the appliance, and what must hold, in a sentence. */
  readonly title: string;
  /** What the amounts of its pieces count. */
  readonly unit: string;
  /** @param amount in all or of each piece, as the section has it; the long form's where it is undefined */
  pieces(amount?: number): readonly Piece[];
}

/** One piece by itself. */
export type Run = (task: Task) => Promise<Outcome>;

/** A run in which what it is about never happened shows nothing. */
export function idle(happened: Readonly<Record<string, number>>): string[] {
  return Object.entries(happened).flatMap(([what, times]) => (times > 0 ? [] : [`shows nothing: ${what}: ${times}`]));
}
