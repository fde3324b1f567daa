/**
 * Makes `lv06-shares.ndjson`: 20 shares that a real LV06 found, as a conversation with this host's pool.
 *
 * Real are the jobs, the shares and the times from each job to its share. How the device opened the connection, what
 * the host answered, and on which line what stood was not kept by whoever recorded them: that is reconstructed, by
 * having today's host give out those jobs. Run it again after a change of what the host says:
 *
 *     node hil/recordings/real/make.ts
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { admitListed } from "../../../host/device/stratum/admission.ts";
import { type MakeJob, stratumJob } from "../../../host/device/stratum/jobs.ts";
import { type RealShare, realShares } from "../../../host/work/testing/shares.ts";
import { encodeRecording } from "../../recording/encode.ts";
import { type Event, FORMAT_NAME, FORMAT_VERSION, type Header } from "../../recording/format.ts";
import type { StratumTap } from "../../rig/dialogue.ts";
import { VirtualClock } from "../../rig/virtual-clock.ts";
import { REAL_DIFFICULTY, stratumBenchFor } from "../../targets/stratum-bench.ts";
import type { TappedBridge } from "../../targets/tapped-bridge.ts";

const SOURCE = new URL("../../../host/work/testing/lv06-shares.json", import.meta.url);
export const REAL_SHARES_PATH: string = join(import.meta.dirname, "lv06-shares.ndjson");
export const REAL_SHARES_CASE = "stratum/recorded/lv06-shares";
const WORKER = "lv06";
const SEED = 20251228;
/** From the connection to the first job. */
const LEAD_US = 1_000_000;
const NOTE =
  "Real: the jobs, the 20 shares, and the times from job to share, of a Lucky Miner LV06 (BM1366, stock firmware) on " +
  "2025-12-28. Reconstructed: the opening, the answers, ids and line ends. Source: Francisco Angulo de Lafuente, " +
  "ASIC-RAG-CHIMERA, https://github.com/Agnuxo1/ASIC-RAG-CHIMERA, doi:10.5281/zenodo.17872052; " +
  "Experiment_v10, verified_proofs_20251228_160130.json. MIT licence: host/work/testing/ATTRIBUTION.txt.";

interface Times {
  readonly job_sent_unix_s: number;
  readonly share_received_unix_s: number;
}

/** A share with what it needs to be played. */
interface Played extends RealShare {
  readonly jobUs: number;
  readonly shareUs: number;
}

/** The recording as bytes, always the same for the same host. */
export async function makeRealShares(): Promise<Buffer> {
  const { startUtcMs, shares } = playedShares();
  const clock = new VirtualClock();
  const events: Event[] = [];
  const { bench } = stratumBenchFor({
    ...{ target: "real", clock, startUtcMs, seed: SEED, can: ["recorded-jobs"], difficulty: REAL_DIFFICULTY },
    admit: admitListed({ workers: [WORKER], simulated: [] }),
    options: { makeJob: jobsOf(shares), extranonce1: () => shares[0]?.terms.extranonce1 ?? Buffer.alloc(4) },
    tap: taping(events),
    meet: async (bridge) => play(bridge, clock, shares),
    close: async () => {},
  });
  const bridge = await bench.bridge({ onProof: () => {} });
  bridge.close();
  // The last event is the end of the generator's own connection.
  return encodeRecording(headerOf(startUtcMs, shares), events.slice(0, -1));
}

function playedShares(): { readonly startUtcMs: number; readonly shares: readonly Played[] } {
  const file: { readonly shares: readonly Times[] } = JSON.parse(readFileSync(SOURCE, "utf8"));
  const firstS = file.shares[0]?.job_sent_unix_s ?? 0;
  const startUtcMs = Math.round(firstS * 1000) - LEAD_US / 1000;
  const sinceStart = (unixS: number) => Math.round(unixS * 1_000_000) - startUtcMs * 1000;
  const shares = realShares().map((share, i) => ({
    ...share,
    jobUs: sinceStart(file.shares[i]?.job_sent_unix_s ?? Number.NaN),
    shareUs: sinceStart(file.shares[i]?.share_received_unix_s ?? Number.NaN),
  }));
  return { startUtcMs, shares };
}

/** The recorded job that carries the commitment; for anything else, such as before the first, the host's own. */
function jobsOf(shares: readonly RealShare[]): MakeJob {
  return (options) =>
    shares.find(({ wirePrevhash }) => wirePrevhash.equals(options.commitment))?.job ?? stratumJob(options);
}

function play(bridge: TappedBridge, clock: VirtualClock, shares: readonly Played[]): void {
  const goTo = (us: number) => {
    while ((clock.dueUs ?? Number.POSITIVE_INFINITY) <= us) clock.fire();
    clock.moveTo(us);
  };
  const peer = bridge.connect({ address: "192.0.2.6", unreadBytes: 0, send: () => {}, close: () => {} });
  if (peer === null) throw new Error("the bridge takes no connection");
  const say = (...messages: object[]) =>
    bridge.receive(peer, Buffer.from(messages.map((message) => `${JSON.stringify(message)}\n`).join("")));
  say(
    { id: 1, method: "mining.subscribe", params: ["reconstructed"] },
    { id: 2, method: "mining.configure", params: [["version-rolling"], { "version-rolling.mask": "ffffffff" }] },
    { id: 3, method: "mining.authorize", params: [WORKER, "x"] },
  );
  for (const [i, { wirePrevhash, share, jobUs, shareUs }] of shares.entries()) {
    goTo(jobUs);
    bridge.seek({ commitment: wirePrevhash, difficulty: REAL_DIFFICULTY, simulatedDifficulty: null });
    goTo(shareUs);
    const numbers = [share.ntime, share.nonce, share.versionBits].map((value) => value.toString(16).padStart(8, "0"));
    const params = [WORKER, share.jobId, Buffer.from(share.extranonce2).toString("hex"), ...numbers];
    say({ id: 4 + i, method: "mining.submit", params });
  }
}

function taping(events: Event[]): StratumTap {
  const us = (ms: number) => Math.round(ms * 1000);
  return {
    opened: (connection, atMs) =>
      void events.push({ atUs: us(atMs), code: "c", connection, control: { op: "accept" } }),
    passed: (connection, from, bytes, atMs) =>
      void events.push({ atUs: us(atMs), code: from === "host" ? "w" : "r", connection, bytes: Buffer.from(bytes) }),
    closed: (connection, by, reason, atMs) =>
      void events.push({ atUs: us(atMs), code: "c", connection, control: { op: "close", by, reason } }),
  };
}

function headerOf(startUtcMs: number, shares: readonly Played[]): Header {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const jobs = shares.map(({ wirePrevhash, jobUs, shareUs }) => ({
    commitment: hex(wirePrevhash),
    tookMs: (shareUs - jobUs) / 1000,
  }));
  return {
    format: `${FORMAT_NAME}${FORMAT_VERSION}`,
    case: { id: REAL_SHARES_CASE, suite: "1" },
    target: { name: "lv06-shares", kind: "real" },
    transport: "stratum",
    simulated: false,
    device: { id: "lv06", firmware: "Lucky Miner LV06, stock firmware, version not recorded", capabilities: [] },
    can: ["recorded-jobs"],
    host: { version: "0.1.0", commit: null, dirty: false },
    runtime: "reconstructed",
    seed: SEED,
    startedUtcMs: startUtcMs,
    framing: "reconstructed",
    note: NOTE,
    stratum: { difficulty: REAL_DIFFICULTY, extranonce1: hex(shares[0]?.terms.extranonce1 ?? Buffer.alloc(4)), jobs },
  };
}

if (import.meta.main) writeFileSync(REAL_SHARES_PATH, await makeRealShares());
