/** Whether what was sampled over a run grew: its second half against its first, after a warm-up. Pure. */
import { median } from "../bench/tools.ts";

export interface Sample {
  readonly rssMiB: number;
  readonly openFiles: number;
  readonly storeMiB: number;
}

export interface Growth {
  /** Medians of the second half. */
  readonly level: Sample;
  /** Of the second half over the first, in %. */
  readonly percent: Sample;
}

/** Until caches and store have the size that they keep. */
const WARM_UP = 0.3;
/** Fewer say nothing. */
const LEAST = 20;
const MOST_PERCENT: Sample = { rssMiB: 10, openFiles: 5, storeMiB: 10 };
const WORDS: Readonly<Record<keyof Sample, string>> = {
  rssMiB: "resident memory",
  openFiles: "open files",
  storeMiB: "the databases",
};
const KEYS = Object.keys(WORDS) as (keyof Sample)[];

/** Undefined where there are too few samples. */
export function growthOf(samples: readonly Sample[]): Growth | undefined {
  const after = samples.slice(Math.floor(samples.length * WARM_UP));
  if (after.length < LEAST) return undefined;
  const middle = Math.floor(after.length / 2);
  const [early, late] = [after.slice(0, middle), after.slice(middle)].map((part) =>
    sampleBy((key) => median(part.map((sample) => sample[key]))),
  ) as [Sample, Sample];
  return { level: late, percent: sampleBy((key) => (late[key] / early[key] - 1) * 100) };
}

export function growthFindings({ percent }: Growth): string[] {
  return KEYS.filter((key) => !(percent[key] <= MOST_PERCENT[key])).map(
    (key) => `${WORDS[key]} grew by ${percent[key].toFixed(1)} % from the first half to the second`,
  );
}

function sampleBy(value: (key: keyof Sample) => number): Sample {
  return { rssMiB: value("rssMiB"), openFiles: value("openFiles"), storeMiB: value("storeMiB") };
}
