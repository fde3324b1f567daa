/**
 * The local pool: many miners, one batch that all of them work on.
 *
 * Idle policy: while nothing waits to be sealed the miners keep the last job (before the first, one that seals
 * nothing). They stay warm and connected, and their shares show that they work.
 */
import type { WorkProof } from "../../work/proof.ts";
import { LEAST_DIFFICULTY, meetsTarget } from "../../work/target.ts";
import type { Clock } from "../clock.ts";
import type { Admit } from "./admission.ts";
import { Batch, type Sealing } from "./batch.ts";
import { type Decision, HOLD_MS, type Worker } from "./conversation.ts";
import { StratumError } from "./errors.ts";
import { JobIds, type MakeJob, stratumJob } from "./jobs.ts";
import { DROP_REASONS, type DropReason, type Limits, withDefaults } from "./limits.ts";
import { type AcceptedShare, EXTRANONCE1_BYTES, type Moment } from "./miner-work.ts";
import { type Miner, Miners, type MinerView } from "./miners.ts";
import { Peer, type Wire } from "./peer.ts";
import type { VardiffOptions } from "./vardiff.ts";

/** The first share that sealed a batch. */
export interface FoundProof {
  readonly commitment: Uint8Array;
  readonly proof: WorkProof;
  /** 32 bytes as computed. */
  readonly hash: Uint8Array;
  /** What the hash proves, not what was asked for. */
  readonly difficulty: number;
  readonly worker: Worker;
  /** Since the batch was given out, in ms. */
  readonly elapsedMs: number;
}

export type BridgeEvent =
  | { readonly kind: "joined"; readonly worker: Worker; readonly address: string }
  | { readonly kind: "left"; readonly worker: Worker; readonly address: string; readonly reason: DropReason };

export interface BridgeOptions {
  readonly admit: Admit;
  readonly clock: Clock;
  /** The time of day, in ms since 1970: miners set their clocks by it. */
  readonly utcMs: () => number;
  /** Random bytes; only where numbers start depends on them. */
  readonly random: (count: number) => Uint8Array;
  /** Whole numbers for real miners; by default from 256, below which stock firmware reports nothing more. */
  readonly vardiff?: Partial<VardiffOptions>;
  /** The same for simulated sessions, which may have fractions. */
  readonly simulatedVardiff?: Partial<VardiffOptions>;
  readonly limits?: Partial<Limits>;
  /** Once a batch. May not throw. */
  readonly onProof: (found: FoundProof) => void;
  /** Every accepted share, also those that seal nothing. May not throw. */
  readonly onShare?: (share: AcceptedShare, worker: Worker) => void;
  /** Workers only, so that strangers cannot fill a log. May not throw. */
  readonly onEvent?: (event: BridgeEvent) => void;
  /** Default `stratumJob`. */
  readonly makeJob?: MakeJob;
  /** Default: counted from a random start. */
  readonly extranonce1?: () => Uint8Array;
}

export interface BridgeView {
  readonly connections: number;
  /** Connections that have authorised themselves. */
  readonly joined: number;
  /** What is worked on, and since when; `sealed` also while idle from the start. */
  readonly sealed: boolean;
  readonly batchAgeMs: number;
  /** Mean wait for the proof with the miners that are there; null while too little is known. */
  readonly expectedSealMs: number | null;
  readonly ends: Readonly<Record<DropReason, number>>;
  readonly miners: readonly MinerView[];
}

const TICK_MS = 1000;
const REAL_VARDIFF: VardiffOptions = { least: 256, most: 2 ** 32, shareEveryMs: 2000 };
/** A few thousand hashes: milliseconds of a CPU. */
const SIMULATED_VARDIFF: VardiffOptions = { least: 2 ** -20, most: 2 ** 32, shareEveryMs: 2000 };

export class StratumBridge {
  readonly #options: BridgeOptions;
  readonly #limits: Limits;
  readonly #peers = new Map<Peer, Miner | undefined>();
  readonly #vardiffs: { readonly real: VardiffOptions; readonly simulated: VardiffOptions };
  readonly #miners: Miners;
  readonly #ids: JobIds;
  readonly #ends = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>;
  #nextExtranonce1: number;
  #batch = Batch.idle();
  #sealed = true;
  #sinceMs: number;
  #closed = false;
  #cancelTick: () => void = () => {};

  /** @throws StratumError STRATUM_OPTION for a limit or difficulty that makes no sense */
  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#limits = withDefaults(options.limits);
    this.#vardiffs = {
      real: vardiffOf(REAL_VARDIFF, options.vardiff, 1),
      simulated: vardiffOf(SIMULATED_VARDIFF, options.simulatedVardiff, LEAST_DIFFICULTY),
    };
    this.#miners = new Miners(this.#limits.workers);
    this.#ids = new JobIds(options.random(4));
    this.#nextExtranonce1 = Buffer.from(options.random(4)).readUInt32BE();
    this.#sinceMs = options.clock.nowMs();
    this.#tickLater();
  }

  /** Takes a connection; null if there is no room, and the wire is closed. */
  connect(wire: Wire): Peer | null {
    const refused = this.#closed ? "closed-by-bridge" : this.#makeRoom(wire.address);
    if (refused !== null) {
      this.#ends[refused] += 1;
      wire.close(false);
      return null;
    }
    const extranonce1 = this.#extranonce1();
    const { admit, makeJob = stratumJob } = this.#options;
    const options = {
      ...{ admit, makeJob, extranonce1, limits: this.#limits, batch: this.#batch },
      nextJobId: () => this.#ids.next(),
      vardiff: (simulated: boolean) => this.#vardiffs[simulated ? "simulated" : "real"],
    };
    const peer = new Peer(
      wire,
      options,
      { decided: (from, output) => this.#decided(from, output), ended: (from, reason) => this.#ended(from, reason) },
      this.#now(),
    );
    this.#peers.set(peer, undefined);
    return peer;
  }

  /** Bytes that came over a connection. */
  receive(peer: Peer, chunk: Uint8Array): void {
    const held = peer.conversation.holding;
    peer.receive(chunk, this.#now());
    if (held || !peer.conversation.holding) return;
    this.#options.clock.after(HOLD_MS, () => peer.perform(peer.conversation.release()));
  }

  /**
   * All miners drop what they do and work on this. The caller decides when: a batch that still waits for its proof
   * would lose it.
   *
   * @throws WorkError WORK_LENGTH, WORK_DIFFICULTY; StratumError STRATUM_CLOSED
   */
  seek(sealing: Sealing): void {
    if (this.#closed) throw new StratumError("STRATUM_CLOSED", "nothing is sealed any more");
    this.#batch = Batch.of(sealing);
    this.#sealed = false;
    this.#sinceMs = this.#options.clock.nowMs();
    for (const peer of [...this.#peers.keys()]) peer.perform(peer.conversation.assign(this.#batch, this.#now()));
  }

  /** No proof is wanted any more; the miners keep the job. */
  giveUp(): void {
    this.#sealed = true;
  }

  view(): BridgeView {
    const { monoMs } = this.#now();
    this.#syncMiners();
    return {
      connections: this.#peers.size,
      joined: [...this.#peers.values()].filter((miner) => miner !== undefined).length,
      sealed: this.#sealed,
      batchAgeMs: monoMs - this.#sinceMs,
      expectedSealMs: this.#expectedSealMs(),
      ends: { ...this.#ends },
      miners: this.#miners.all().map((miner) => miner.view(monoMs)),
    };
  }

  /** Ends every connection, and takes none from now on. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#cancelTick();
    for (const peer of [...this.#peers.keys()]) peer.end("closed-by-bridge");
  }

  #now(): Moment {
    return { monoMs: this.#options.clock.nowMs(), utcMs: this.#options.utcMs() };
  }

  #tickLater(): void {
    this.#cancelTick = this.#options.clock.after(TICK_MS, () => {
      for (const peer of [...this.#peers.keys()]) peer.perform(peer.conversation.tick(this.#now()));
      if (!this.#closed) this.#tickLater();
    });
  }

  /** Why there is no room; strangers give way, the oldest first. */
  #makeRoom(address: string): DropReason | null {
    const peers = [...this.#peers.keys()];
    const here = peers.filter((peer) => peer.wire.address === address).length;
    if (here >= this.#limits.connectionsPerAddress) return "address-full";
    if (peers.length < this.#limits.connections) return null;
    const stranger = peers.find((peer) => !peer.conversation.joined);
    stranger?.end("made-room");
    return stranger === undefined ? "bridge-full" : null;
  }

  /** Of no other connection: the same share cannot count for two. */
  #extranonce1(): Uint8Array {
    if (this.#options.extranonce1 !== undefined) return this.#options.extranonce1();
    const taken = new Set([...this.#peers.keys()].map((peer) => peer.extranonce1));
    for (;;) {
      this.#nextExtranonce1 = (this.#nextExtranonce1 + 1) >>> 0;
      const bytes = Buffer.alloc(EXTRANONCE1_BYTES);
      bytes.writeUInt32BE(this.#nextExtranonce1);
      if (!taken.has(bytes.toString("hex"))) return bytes;
    }
  }

  #decided(peer: Peer, output: Decision): void {
    switch (output.kind) {
      case "joined":
        this.#joined(peer, output.worker);
        break;
      case "rejected":
        this.#peers.get(peer)?.rejected(output.reason);
        break;
      case "accepted":
        this.#accepted(peer, output.share);
        break;
    }
  }

  #joined(peer: Peer, worker: Worker): void {
    const { monoMs } = this.#now();
    const miner = this.#miners.of(worker, monoMs);
    miner.joined(worker, peer.wire.address, monoMs);
    this.#peers.set(peer, miner);
    this.#options.onEvent?.({ kind: "joined", worker, address: peer.wire.address });
  }

  #accepted(peer: Peer, share: AcceptedShare): void {
    const miner = this.#peers.get(peer);
    if (miner === undefined) return;
    const { monoMs, utcMs } = this.#now();
    miner.accepted(share, monoMs, utcMs);
    this.#options.onShare?.(share, miner.worker);
    const { verdict, batch } = share;
    const wanted = batch.wanted(miner.worker.simulated);
    if (this.#sealed || batch !== this.#batch || wanted === null || !meetsTarget(verdict.hash, wanted.target)) return;
    this.#sealed = true;
    const { proof, hash, difficulty } = verdict;
    const { commitment } = batch;
    this.#options.onProof({
      ...{ commitment, proof, hash, difficulty, worker: miner.worker },
      elapsedMs: monoMs - this.#sinceMs,
    });
  }

  #ended(peer: Peer, reason: DropReason): void {
    const miner = this.#peers.get(peer);
    this.#ends[reason] += 1;
    this.#peers.delete(peer);
    if (miner === undefined) return;
    miner.connected -= 1;
    this.#options.onEvent?.({ kind: "left", worker: miner.worker, address: peer.wire.address, reason });
  }

  #syncMiners(): void {
    for (const [peer, miner] of this.#peers) {
      if (miner === undefined) continue;
      miner.difficulty = peer.conversation.difficulty;
      miner.versionMask = peer.conversation.versionMask;
    }
  }

  /** Rates add up: the first of several exponential waits is exponential. */
  #expectedSealMs(): number | null {
    let perMs = 0;
    for (const miner of this.#peers.values()) {
      const wanted = this.#batch.wanted(miner?.worker.simulated ?? false);
      if (miner === undefined || wanted === null) continue;
      const meanMs = miner.times.meanMs(Math.max(wanted.difficulty, miner.difficulty ?? 0));
      if (meanMs !== null && meanMs > 0) perMs += 1 / meanMs;
    }
    return perMs === 0 ? null : 1 / perMs;
  }
}

/** Real miners get whole numbers: old firmware reads no others. */
function vardiffOf(defaults: VardiffOptions, given: Partial<VardiffOptions> = {}, floor: number): VardiffOptions {
  const all = { ...defaults, ...given };
  const sane = all.least >= floor && all.most >= all.least && all.shareEveryMs > 0;
  const whole = floor < 1 || (Number.isInteger(all.least) && Number.isInteger(all.most));
  if (sane && whole) return all;
  throw new StratumError("STRATUM_OPTION", `difficulties from ${all.least} to ${all.most} cannot be given out`);
}
