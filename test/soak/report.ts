/** What a soak came to: figures and findings. */
import { median, percentile } from "../bench/tools.ts";
import { judgeStore } from "./judge.ts";
import type { Fault } from "./plan.ts";
import type { Health, World } from "./world.ts";

interface Spread {
  readonly p50: number;
  readonly p99: number;
}

export interface SoakReport {
  readonly simulated: true;
  readonly seconds: number;
  readonly seed: number;
  readonly films: number;
  readonly results: number;
  readonly seals: number;
  readonly receipts: number;
  readonly largestBatch: number;
  readonly faults: Readonly<Partial<Record<Fault, number>>>;
  readonly connections: number;
  readonly shares: {
    readonly verified: number;
    readonly refused: number;
    readonly stale: number;
    readonly unanswered: number;
  };
  /** From the film in the inbox to its result at the observer, while neither broker nor appliance was away. */
  readonly resultMs: Spread;
  /** From a result at the observer to its seal there, whatever was away. */
  readonly sealedAfterMs: Spread;
  /** The appliance's own process in its last life; growth from its second fifth to its last. */
  readonly memory: { readonly lifeS: number; readonly rssMiB: number; readonly growthPercent: number };
  readonly findings: readonly string[];
}

/** A shorter life says nothing of a leak. */
const LEAST_LIFE_S = 600;
const MOST_GROWTH_PERCENT = 10;

/** @param findings that there are already */
export function reportOf(
  world: World,
  run: { readonly seconds: number; readonly seed: number; readonly folder: string },
  faults: SoakReport["faults"],
  findings: readonly string[],
): SoakReport {
  const { book, miners, films, observer } = world;
  const { sealedAfterMs, ...verdict } = judgeStore(run.folder, films.keys(), observer);
  const memory = memoryOf(world);
  const grown = memory.lifeS >= LEAST_LIFE_S && memory.growthPercent > MOST_GROWTH_PERCENT;
  return {
    simulated: true,
    ...{ seconds: run.seconds, seed: run.seed, faults, films: films.size, connections: miners.connections },
    ...verdict,
    shares: { verified: book.verified, refused: book.refused, stale: book.stale, unanswered: book.unanswered },
    ...{ resultMs: spread(resultTimes(world)), sealedAfterMs: spread(sealedAfterMs), memory },
    findings: [...findings, ...verdict.findings, ...(grown ? [`memory grew by ${memory.growthPercent} %`] : [])],
  };
}

function spread(times: readonly number[]): Spread {
  return { p50: Math.round(percentile(times, 0.5)), p99: Math.round(percentile(times, 0.99)) };
}

function resultTimes({ films, outages, observer }: World): number[] {
  const seen = new Set<unknown>();
  return observer.of("result").flatMap(({ data, atMs }) => {
    const putMs = films.get(String(data.reference)) ?? Number.NaN;
    const again = seen.has(data.reference);
    seen.add(data.reference);
    const undisturbed = outages.every(({ fromMs, untilMs }) => atMs < fromMs || putMs > untilMs);
    return again || !undisturbed ? [] : [atMs - putMs];
  });
}

function memoryOf({ observer, bornMs }: World): SoakReport["memory"] {
  const life = observer.of("health").filter(({ atMs }) => atMs > bornMs);
  const rss = life.map(({ data }) => (data as unknown as Health).process.rssBytes / 2 ** 20);
  const part = Math.ceil(rss.length / 5);
  const late = median(rss.slice(-part));
  const growth = (late / median(rss.slice(part, 2 * part)) - 1) * 100;
  const lifeS = Math.round(((life.at(-1)?.atMs ?? bornMs) - bornMs) / 1000);
  return { lifeS, rssMiB: Math.round(late), growthPercent: Math.round(growth * 10) / 10 };
}
