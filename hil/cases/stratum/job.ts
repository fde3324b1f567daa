/** What the host gives to work on: within what every known firmware can take. */

import { VERSION_MASK } from "../../../host/work/header.ts";
import { expectThat, stratumCase } from "../../rig/case.ts";
import { RawClient } from "./raw-client.ts";
import { type SentJob, sentJobs } from "./talk.ts";
import { hardSealing, SHARES_MS, sealing, Working } from "./work.ts";

/** What the most limited firmware takes, with room to spare. */
const LINE_BYTES = 700;
const COINBASE_BYTES = 250;
const BRANCHES = 12;
const EXTRANONCE_BYTES = 8;
/** cgminer gives up a pool that is silent for 90 s. */
const SILENCE_MS = 31_000;
/** An easier target has firmware announce a block. */
const HARD_NBITS = 0x18000000;

export const JOB_CASES = [
  stratumCase({
    id: "stratum/job/envelope",
    title: "Every job is a line below 700 bytes, with a coinbase below 250 and 1 to 12 branches",
    spec: ["docs/stock-devices.md"],
    level: "MUST",
    needs: [],
    run: async (bench) => {
      const { bridge } = await Working.of(bench);
      for (const byte of [1, 2, 3]) bridge.seek(hardSealing(bench, byte));
      const jobs = sentJobs(bench);
      expectThat(jobs.length >= 4, `${jobs.length} jobs went out, not 4`);
      for (const { message, coinb1, coinb2, branches } of jobs) {
        const bytes = Buffer.byteLength(message.line.text);
        expectThat(bytes < LINE_BYTES, `a job of ${bytes} bytes`);
        const coinbase = (coinb1.length + coinb2.length) / 2 + EXTRANONCE_BYTES;
        expectThat(coinbase < COINBASE_BYTES, `a coinbase of ${coinbase} bytes`);
        expectThat(branches.length >= 1 && branches.length <= BRANCHES, `${branches.length} branches`);
      }
    },
  }),

  stratumCase({
    id: "stratum/job/fields",
    title: "A job's numbers have 8 hex digits each, its version has no bit that may be rolled, its nbits is hard",
    spec: ["Stratum V1: mining.notify", "BIP 320"],
    level: "MUST",
    needs: [],
    run: async (bench) => {
      await Working.of(bench);
      for (const { message, version, nbits, ntime } of sentJobs(bench)) {
        expectThat(message.params.length === 9, `a job of ${message.params.length} parameters`);
        for (const text of [version, nbits, ntime])
          expectThat(/^[0-9a-f]{8}$/.test(text), `${text} is not 8 hex digits`);
        expectThat((Number.parseInt(version, 16) & VERSION_MASK) === 0, `version ${version} has bits of the mask`);
        expectThat(Number.parseInt(nbits, 16) < HARD_NBITS, `nbits ${nbits} is so easy that shares look like blocks`);
      }
    },
  }),

  stratumCase({
    id: "stratum/job/ids",
    title: "Job ids are of at most 16 hex digits, and none is used twice, for whichever batch or client",
    spec: ["Stratum V1: mining.notify"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      for (const round of [1, 2, 3]) {
        on.bridge.seek(sealing(bench, round));
        expectNew(sentJobs(bench).map(({ id }) => id));
        await on.proof(round);
      }
      const others = [1, 2, 3].map(() => new RawClient(on.bridge).open().job.id);
      expectNew([...sentJobs(bench).map(({ id }) => id), ...others]);
    },
  }),

  stratumCase({
    id: "stratum/job/time",
    title: "A job carries the time of day: devices set their clocks by it",
    spec: ["docs/stock-devices.md"],
    level: "MUST",
    needs: [],
    run: async (bench) => {
      const { bridge } = await Working.of(bench);
      bridge.seek(hardSealing(bench, 1));
      for (const job of sentJobs(bench)) {
        const saidS = (bench.utcMs() - bench.clock.nowMs() + job.message.line.atMs) / 1000;
        const off = Number.parseInt(job.ntime, 16) - saidS;
        expectThat(Math.abs(off) <= 2, `ntime is ${off.toFixed(1)} s off`);
      }
    },
  }),

  stratumCase({
    id: "stratum/job/commitment",
    title: "A job's coinbase pushes the batch's commitment, and that of no other",
    spec: ["docs/receipt.md"],
    level: "MUST",
    needs: [],
    run: async (bench) => {
      const { bridge } = await Working.of(bench);
      bridge.seek(hardSealing(bench, 0xa1));
      bridge.seek(hardSealing(bench, 0xb2));
      const [first, second] = sentJobs(bench).slice(-2);
      expectThat(pushes(first, 0xa1) && !pushes(first, 0xb2), "the first batch's job carries another commitment");
      expectThat(pushes(second, 0xb2) && !pushes(second, 0xa1), "the second batch's job carries another commitment");
    },
  }),

  stratumCase({
    id: "stratum/job/keepalive",
    title: "After 30 s without a new batch there is a fresh job, not clean; work on the one before still counts",
    spec: ["docs/stock-devices.md"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      const raw = new RawClient(on.bridge).open();
      const before = raw.job;
      await on.share(1);
      const sent = sentJobs(bench).length;
      await bench.pass(SILENCE_MS);
      const fresh = sentJobs(bench)[sent];
      const last = sentJobs(bench)[sent - 1];
      expectThat(fresh !== undefined && last !== undefined, "the device was told nothing for 31 s");
      expectThat(fresh.clean === false, "the keepalive has the device drop its work");
      expectThat(Number.parseInt(fresh.ntime, 16) >= Number.parseInt(last.ntime, 16) + 29, "its time stood still");
      expectThat(raw.submit(raw.find(true, before)) === "accepted", "a share of the job before does not count");
      await on.more(1);
      expectThat(on.bridge.view().joined >= 2, "somebody was dropped");
    },
  }),
];

function expectNew(ids: readonly string[]): void {
  for (const id of ids) expectThat(/^[0-9a-f]{1,16}$/.test(id), `job id ${JSON.stringify(id)}`);
  expectThat(new Set(ids).size === ids.length, `a job id was used twice: ${ids.join(" ")}`);
}

function pushes(job: SentJob | undefined, byte: number): boolean {
  return job?.coinb1.includes(`20${byte.toString(16).repeat(32)}`) === true;
}
