/** Batches: what all devices work on, one after the other, and difficulties that change on the way. */
import type { StratumBench } from "../../rig/bench.ts";
import { expectThat, stratumCase } from "../../rig/case.ts";
import { messages, nthSaid, type SentShare, sentJobs, sentShares } from "./talk.ts";
import { hardSealing, patienceMs, SHARES_MS, sealing, Working } from "./work.ts";

/** The oldest firmware works off a queue first. */
const LATE_MS = 25_000;
const BATCHES = 4;
/** Shares of a job that was replaced, at most. */
const UNDER_WAY = 40;

export const BATCH_CASES = [
  stratumCase({
    id: "stratum/batch/clean",
    title: "A new batch goes out at once, as a clean job",
    spec: ["Stratum V1: mining.notify"],
    level: "MUST",
    needs: [],
    run: async (bench) => {
      const { bridge } = await Working.of(bench);
      const sent = sentJobs(bench).length;
      bridge.seek(hardSealing(bench, 0x11));
      const more = sentJobs(bench).slice(sent);
      expectThat(more.length === 1, `a batch made ${more.length} jobs`);
      expectThat(more[0]?.clean === true, "the job of a new batch is not clean");
    },
  }),

  stratumCase({
    id: "stratum/batch/next",
    title: "After a clean job the shares that count are of the new batch; those of the one before are refused as stale",
    spec: ["Stratum V1: mining.notify", "docs/receipt.md"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      on.bridge.seek(sealing(bench, 0x21));
      await on.proof(1);
      const counted = on.shares.length;
      // Also the batch before this one may have overtaken a share.
      const refusedBefore = staleShares(on);
      on.bridge.seek(sealing(bench, 0x22));
      const givenMs = bench.clock.nowMs();
      const jobId = sentJobs(bench).at(-1)?.id;
      await on.proof(2);
      bench.measured("clean-job-to-share", bench.clock.nowMs() - givenMs);
      for (const { batch } of on.shares.slice(counted))
        expectThat(batch.commitment[0] === 0x22, "a share of the batch before was counted for the new one");
      const late = sharesAfter(bench, jobId);
      for (const { answer } of late) {
        const code = Array.isArray(answer.error) ? answer.error[0] : answer.error;
        expectThat(code === 21, `a share of the job before was answered with ${code}`);
      }
      const refused = staleShares(on) - refusedBefore;
      expectThat(refused === late.length, `${refused} shares are counted as stale, not ${late.length}`);
    },
  }),

  stratumCase({
    id: "stratum/batch/drops-old-work",
    title: "25 seconds after a clean job the device sends nothing of the jobs before",
    spec: ["Stratum V1: mining.notify"],
    level: "SHOULD",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      await on.share(1);
      on.bridge.seek(hardSealing(bench, 0x31));
      const givenMs = bench.clock.nowMs();
      const jobId = sentJobs(bench).at(-1)?.id;
      await on.more(5);
      for (const { request } of sharesAfter(bench, jobId)) {
        const lateMs = request.line.atMs - givenMs;
        bench.measured("old-share", lateMs);
        expectThat(lateMs <= LATE_MS, `a share of a dropped job came ${Math.round(lateMs)} ms later`);
      }
    },
  }),

  stratumCase({
    id: "stratum/batch/one-after-another",
    title: "Four batches are sealed one after another, each once, with a proof of its own",
    spec: ["docs/receipt.md"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      for (let batch = 1; batch <= BATCHES; batch++) {
        on.bridge.seek(sealing(bench, 0x40 + batch));
        const found = await on.proof(batch);
        bench.measured("batch-to-proof", found.elapsedMs);
        expectThat(found.commitment[0] === 0x40 + batch, "a proof of another batch");
      }
      await on.more(2);
      expectThat(on.proofs.length === BATCHES, `${on.proofs.length} proofs of ${BATCHES} batches`);
      const headers = on.proofs.map(({ proof }) => Buffer.from(proof.header).toString("hex"));
      expectThat(new Set(headers).size === BATCHES, "two batches have one proof");
    },
  }),

  stratumCase({
    id: "stratum/batch/hard",
    title: "A share that misses the batch's difficulty is accepted and seals nothing",
    spec: ["docs/receipt.md"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      on.bridge.seek(hardSealing(bench, 0x51));
      await on.more(3);
      expectThat(on.proofs.length === 0, `sealed by a share of difficulty ${on.proofs[0]?.difficulty}`);
      expectThat(!on.bridge.view().sealed, "the bridge takes the batch for sealed");
    },
  }),

  stratumCase({
    id: "stratum/batch/given-up",
    title: "A batch that was given up is not sealed any more; the device works on, and is told nothing",
    spec: ["docs/stock-devices.md"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      on.bridge.seek(sealing(bench, 0x61));
      on.bridge.giveUp();
      const sent = sentJobs(bench).length;
      await on.more(2);
      expectThat(on.proofs.length === 0, "a batch was sealed that nobody wants");
      const clean = sentJobs(bench)
        .slice(sent)
        .filter((job) => job.clean === true);
      expectThat(clean.length === 0, "giving up made the device drop its work");
    },
  }),

  stratumCase({
    id: "stratum/difficulty/with-next-job",
    title: "A new difficulty is followed at once by a clean job",
    spec: ["Stratum V1: mining.set_difficulty"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      await Working.of(bench, rising(bench.difficulty));
      await nthSaid(bench, "host", "mining.set_difficulty", 2, patienceMs(bench, 16));
      const host = messages(bench).filter(({ line }) => line.from === "host");
      for (const [at, { method }] of host.entries()) {
        if (method !== "mining.set_difficulty") continue;
        const next = host[at + 1];
        expectThat(next?.method === "mining.notify", `a difficulty is followed by ${next?.line.text}`);
        expectThat(next.params[8] === true, "the job after a new difficulty is not clean");
      }
    },
  }),

  stratumCase({
    id: "stratum/difficulty/honoured",
    title: "The device keeps to a new difficulty from the next job on",
    spec: ["Stratum V1: mining.set_difficulty"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench, rising(bench.difficulty));
      await nthSaid(bench, "host", "mining.set_difficulty", 2, patienceMs(bench, 16));
      const jobId = sentJobs(bench).at(-1)?.id;
      const before = on.shares[0]?.difficulty;
      const ofNew = () => on.shares.filter((share) => share.difficulty !== before).length;
      // Those under way still count for the job before.
      for (let i = 0; i < UNDER_WAY && ofNew() < 3; i++) await on.more(1);
      const low = sentShares(bench).filter((one) => one.jobId === jobId && one.answer.result !== true);
      expectThat(low.length === 0, `a share of the new job was refused: ${low[0]?.answer.line.text}`);
      expectThat(ofNew() >= 3, `of ${on.shares.length} shares ${ofNew()} are of the new difficulty`);
    },
  }),
];

/** Refused so far because a new job had overtaken them. */
function staleShares({ bridge }: Working): number {
  return bridge.view().miners.reduce((sum, { rejected }) => sum + (rejected.stale ?? 0), 0);
}

/** Those of other jobs that came after this one was given out. */
function sharesAfter(bench: StratumBench, jobId: string | undefined): SentShare[] {
  const { lines } = bench.dialogue;
  const given = sentJobs(bench).find(({ id }) => id === jobId)?.message.line;
  const after = new Set(given === undefined ? [] : lines.slice(lines.indexOf(given) + 1));
  return sentShares(bench).filter((one) => one.jobId !== jobId && after.has(one.request.line));
}

/** 16 shares at the least, then more: whatever the device, they come faster than is aimed at. */
function rising(difficulty: number) {
  const real = { least: Math.max(difficulty, 1), most: Math.max(difficulty, 1) * 2, shareEveryMs: 600_000 };
  return { vardiff: real, simulatedVardiff: { least: difficulty / 4, most: difficulty, shareEveryMs: 600_000 } };
}
