/** A client that a case plays itself, on a wire of its own to the same bridge: for what no sane device sends. */
import type { StratumBridge } from "../../../host/device/stratum/bridge.ts";
import type { Peer } from "../../../host/device/stratum/peer.ts";
import { difficultyOf, headerOf, type Notify, readNotify } from "../../../host/device/stratum/testing/fake-job.ts";
import { CaseFailure, expectThat } from "../../rig/case.ts";
import { RAW_WORKER, RIG_ADDRESS } from "../../targets/tapped-bridge.ts";

export interface Told {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: readonly unknown[];
  readonly result?: unknown;
  readonly error?: readonly unknown[] | null;
}

/** Parameters of `mining.submit`. */
export type ShareParams = readonly [
  worker: string,
  jobId: string,
  extranonce2: string,
  ntime: string,
  nonce: string,
  versionBits: string,
];

const MOST_TRIES = 10_000_000;
const hex32 = (value: number) => value.toString(16).padStart(8, "0");

export class RawClient {
  /** What came, write by write. */
  readonly writes: string[] = [];
  closed = false;
  readonly #bridge: StratumBridge;
  readonly #peer: Peer;
  #nextId = 1000;
  #nextNonce = 0;
  #heard: () => void = () => {};

  /** @throws CaseFailure where the bridge takes no more connections */
  constructor(bridge: StratumBridge) {
    this.#bridge = bridge;
    const peer = bridge.connect({
      address: RIG_ADDRESS,
      unreadBytes: 0,
      send: (text) => {
        this.writes.push(text);
        this.#heard();
      },
      close: () => {
        this.closed = true;
        this.#heard();
      },
    });
    if (peer === null) throw new CaseFailure("the bridge has no room for one more client");
    this.#peer = peer;
  }

  /** Hangs up. */
  end(): void {
    this.#peer.end("closed-by-peer");
  }

  /** Until the next write or the end; those that came before do not count. */
  heard(): Promise<void> {
    return new Promise((resolve) => {
      this.#heard = resolve;
    });
  }

  send(text: string | Uint8Array): void {
    this.#bridge.receive(this.#peer, Buffer.from(text));
  }

  /** Asks, and gives the answer if it came at once, as all but that to a lone `mining.subscribe` do. */
  ask(method: string, ...params: unknown[]): Told | undefined {
    const id = this.#nextId++;
    this.send(`${JSON.stringify({ id, method, params })}\n`);
    return this.told.findLast((told) => told.id === id && told.method === undefined);
  }

  get told(): Told[] {
    const lines = this.writes.join("").split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  /** The latest job. @throws CaseFailure */
  get job(): Notify {
    const notify = this.told.findLast(({ method }) => method === "mining.notify");
    if (notify?.params === undefined) throw new CaseFailure("the raw client has no job");
    return readNotify(notify.params);
  }

  get difficulty(): number {
    return Number(this.told.findLast(({ method }) => method === "mining.set_difficulty")?.params?.[0]);
  }

  get extranonce1(): string {
    const answers = this.told.map(({ result }) => result).filter((result) => Array.isArray(result));
    return String(answers[0]?.[1]);
  }

  /** Opens as a stock LV06 does. @throws CaseFailure where that does not end in a job */
  open(worker = RAW_WORKER): this {
    const mask = { "version-rolling.mask": "ffffffff" };
    const open = [
      { id: 1, method: "mining.subscribe", params: ["raw/rig"] },
      { id: 2, method: "mining.configure", params: [["version-rolling"], mask] },
      { id: 3, method: "mining.authorize", params: [worker, "x"] },
    ];
    this.send(open.map((message) => `${JSON.stringify(message)}\n`).join(""));
    expectThat(
      this.told.some(({ method }) => method === "mining.notify"),
      "the raw client was given no job",
    );
    return this;
  }

  /** A share of a job that meets its difficulty, or clearly does not; never the same twice. @throws CaseFailure */
  find(meets = true, job = this.job): ShareParams {
    const extranonce2 = "00000000";
    const header = headerOf(job, this.extranonce1 + extranonce2);
    header.writeUInt32LE(job.version, 0);
    for (let i = 0; i < MOST_TRIES; i++) {
      const nonce = this.#nextNonce++;
      header.writeUInt32LE(nonce, 76);
      const found = difficultyOf(header);
      const wanted = meets ? found >= this.difficulty : found < this.difficulty / 2;
      if (wanted) return [RAW_WORKER, job.id, extranonce2, job.ntime, hex32(nonce), "00000000"];
    }
    throw new CaseFailure("the raw client found no share");
  }

  /** What a share of the latest job proves. */
  proves([, , extranonce2, ntime, nonce, versionBits]: ShareParams): number {
    const header = headerOf({ ...this.job, ntime }, this.extranonce1 + extranonce2);
    header.writeUInt32LE((this.job.version ^ Number.parseInt(versionBits, 16)) >>> 0, 0);
    header.writeUInt32LE(Number.parseInt(nonce, 16), 76);
    return difficultyOf(header);
  }

  /** Stratum's code of the refusal, or `accepted`. */
  submit(params: readonly unknown[]): unknown {
    const told = this.ask("mining.submit", ...params);
    return told?.result === true ? "accepted" : told?.error?.[0];
  }
}
