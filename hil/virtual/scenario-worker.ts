/** One worker thread of the virtual-time tier, as the thread that feeds it sees it. */
import { Worker } from "node:worker_threads";
import { errorMessage } from "../../host/base/error.ts";
import type { TransportKind } from "../rig/bench.ts";
import { RigError } from "../rig/error.ts";
import type { Tally } from "./tally.ts";

export interface FailedSeed {
  readonly seed: number;
  readonly findings: readonly string[];
  /** One line that plays it again. */
  readonly rerun: string;
}

/** From this one on, so many. */
export interface Seeds {
  readonly from: number;
  readonly count: number;
}

/** What a worker is told. */
export type Order = ({ readonly kind: "play"; readonly transport: TransportKind } & Seeds) | { readonly kind: "end" };

export interface Played {
  readonly tally: Tally;
  readonly failures: readonly FailedSeed[];
}

/** What a worker says. */
export type Said =
  | ({ readonly kind: "played" } & Played)
  /** It cannot play at all. */
  | { readonly kind: "broken"; readonly message: string }
  /** With what `HeapWatch` has against all that it played. */
  | { readonly kind: "ended"; readonly memory: string | undefined };

export interface Feed {
  /** What to play next; undefined: nothing. */
  readonly take: () => Seeds | undefined;
  readonly heed: (played: Played) => void;
}

/** For seeds that take well under a second on an idle core. */
const STUCK_MS = 30_000;

export class ScenarioWorker {
  readonly #transport: TransportKind;
  readonly #stuckMs: number;
  readonly #worker: Worker;
  readonly #end = Promise.withResolvers<readonly string[]>();
  #stuck: NodeJS.Timeout | undefined;

  constructor(
    transport: TransportKind,
    { program = new URL("./worker-main.ts", import.meta.url), stuckMs = STUCK_MS } = {},
  ) {
    this.#transport = transport;
    this.#stuckMs = stuckMs;
    this.#worker = new Worker(program);
  }

  /**
   * Feeds it until there is nothing left to take.
   *
   * @returns what is wrong with all that it played, together
   * @throws RigError RIG_VIRTUAL for one that cannot play
   */
  play({ take, heed }: Feed): Promise<readonly string[]> {
    const next = () => this.#order(take());
    this.#worker.on("message", (said: Said) => {
      switch (said.kind) {
        case "played":
          heed(said);
          next();
          break;
        case "broken":
          this.#break(said.message);
          break;
        case "ended":
          this.end(said.memory === undefined ? [] : [said.memory]);
      }
    });
    this.#worker.on("error", (error) => this.#break(errorMessage(error)));
    next();
    return this.#end.promise;
  }

  /** Whatever it is at. */
  end(findings: readonly string[] = []): void {
    clearTimeout(this.#stuck);
    this.#end.resolve(findings);
    void this.#worker.terminate();
  }

  #order(seeds: Seeds | undefined): void {
    clearTimeout(this.#stuck);
    const at = seeds === undefined ? "the end" : `seeds ${seeds.from} to ${seeds.from + seeds.count - 1}`;
    this.#stuck = setTimeout(() => this.end([`it is stuck at ${at}`]), this.#stuckMs);
    const order: Order = seeds === undefined ? { kind: "end" } : { kind: "play", transport: this.#transport, ...seeds };
    this.#worker.postMessage(order);
  }

  #break(why: string): void {
    this.#end.reject(new RigError("RIG_VIRTUAL", `a worker cannot play: ${why}`));
    this.end();
  }
}
