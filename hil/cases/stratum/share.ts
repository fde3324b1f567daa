/** What the device sends: shares that are true work on the job that it was given. */
import { verifyProof } from "../../../host/work/proof.ts";
import { targetOfDifficulty } from "../../../host/work/target.ts";
import { expectThat, stratumCase } from "../../rig/case.ts";
import { grantedMask, sentJobs, sentShares } from "./talk.ts";
import { hardSealing, RECORDED_SHARE_MS, SHARES_MS, sealing, Working } from "./work.ts";

const NTIME_SLACK_S = 600;
/** Of the gamma distribution of 12 waits: 99.9 % of them, in means. */
const TWELVE_WAITS_MEANS = 25.6;

export const SHARE_CASES = [
  stratumCase({
    id: "stratum/share/first-proves",
    title: "The first share of a batch arrives, and its whole work proof verifies",
    spec: ["docs/receipt.md"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      const batch = sealing(bench, 0xc3);
      on.bridge.seek(batch);
      const found = await on.proof(1);
      bench.measured("batch-to-proof", found.elapsedMs);
      const verdict = verifyProof(found.proof, batch.commitment, targetOfDifficulty(bench.difficulty));
      expectThat(verdict.ok, verdict.ok ? "" : `the proof does not verify: ${verdict.detail}`);
      expectThat(verdict.place.kind === "script", `the commitment sits in the ${verdict.place.kind}`);
      expectThat(verdict.difficulty === found.difficulty, "the bridge states another difficulty");
    },
  }),

  stratumCase({
    id: "stratum/share/commitment",
    title: "A share proves work for its own batch, and for no other commitment",
    spec: ["docs/receipt.md"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      on.bridge.seek(sealing(bench, 0xd4));
      const { proof } = await on.proof(1);
      const other = verifyProof(proof, Buffer.alloc(32, 0xd5), targetOfDifficulty(bench.difficulty));
      expectThat(!other.ok && other.reason === "commitment", "the proof holds for another commitment too");
    },
  }),

  stratumCase({
    id: "stratum/share/form",
    title: "Shares name the worker and a job of theirs, and have an extranonce2 of 4 bytes and numbers of 8 hex digits",
    spec: ["Stratum V1: mining.submit"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      await on.share(3);
      const jobs = new Set(sentJobs(bench).map(({ id }) => id));
      for (const { worker, jobId, extranonce2, ntime, nonce, versionBits } of sentShares(bench)) {
        expectThat(
          on.bridge.view().miners.some(({ name }) => name === worker),
          `a share of the worker ${worker}`,
        );
        expectThat(jobs.has(jobId), `a share of the job ${jobId}, which was never given out`);
        for (const text of [extranonce2, ntime, nonce, versionBits])
          expectThat(/^[0-9a-f]{8}$/i.test(text), `${JSON.stringify(text)} in a share is not 8 hex digits`);
      }
    },
  }),

  stratumCase({
    id: "stratum/share/mask",
    title: "No share rolls a bit that was not granted",
    spec: ["BIP 310", "BIP 320"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      await on.share(8);
      const mask = grantedMask(bench);
      for (const { versionBits } of sentShares(bench)) {
        const outside = Number.parseInt(versionBits, 16) & ~mask;
        expectThat(outside === 0, `bits ${versionBits}, of ${mask.toString(16)}`);
      }
    },
  }),

  stratumCase({
    id: "stratum/share/rolls",
    title: "The device rolls the version: otherwise a BM1366 repeats its work",
    spec: ["BIP 320"],
    level: "MAY",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      await on.share(8);
      const rolled = new Set(sentShares(bench).map(({ versionBits }) => versionBits));
      expectThat(grantedMask(bench) === 0 || rolled.size > 1, `all of 8 shares have the bits ${[...rolled]}`);
    },
  }),

  stratumCase({
    id: "stratum/share/time",
    title: "A share's time is its job's, or at most ten minutes later",
    spec: ["Stratum V1: mining.submit"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      await on.share(5);
      const times = new Map(sentJobs(bench).map(({ id, ntime }) => [id, Number.parseInt(ntime, 16)]));
      for (const { jobId, ntime } of sentShares(bench)) {
        const ahead = Number.parseInt(ntime, 16) - (times.get(jobId) ?? Number.NaN);
        expectThat(ahead >= 0 && ahead <= NTIME_SLACK_S, `${ahead} s after its job`);
      }
    },
  }),

  stratumCase({
    id: "stratum/share/no-duplicates",
    title: "Of 10 shares no two are the same, and none but those that a new job overtook is refused",
    spec: ["Stratum V1: mining.submit"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      on.bridge.seek(hardSealing(bench, 0xe5));
      await on.share(10);
      const shares = sentShares(bench);
      const keys = shares.map((one) => [one.jobId, one.extranonce2, one.ntime, one.nonce, one.versionBits].join("/"));
      expectThat(new Set(keys).size === keys.length, "the device sent a share twice");
      const hashes = on.shares.map(({ verdict }) => verdict.hash.toString("hex"));
      expectThat(new Set(hashes).size === hashes.length, "the bridge took one piece of work for two");
      for (const { answer } of shares) {
        const [code, text] = Array.isArray(answer.error) ? answer.error : [];
        expectThat(code === undefined || code === 21, `refused with ${code} ${text}`);
      }
    },
  }),

  stratumCase({
    id: "stratum/share/difficulty",
    title: "Every accepted share proves the difficulty that its job had",
    spec: ["Stratum V1: mining.set_difficulty"],
    level: "MUST",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      await on.share(5);
      for (const { verdict, difficulty } of on.shares)
        expectThat(verdict.difficulty >= difficulty, `${verdict.difficulty} for one of ${difficulty}`);
    },
  }),

  stratumCase({
    id: "stratum/share/wait",
    title: "A job's first share, and the share after it, come at all; how soon is measured",
    spec: ["docs/stock-devices.md"],
    level: "SHOULD",
    needs: [],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      await on.share(10);
      for (const { waitedMs } of on.shares) bench.measured("share-to-share", waitedMs);
      const jobs = new Map(sentJobs(bench).map(({ id, message }) => [id, message.line.atMs]));
      for (const { jobId, request, answer } of sentShares(bench)) {
        const sentMs = jobs.get(jobId);
        if (sentMs !== undefined) bench.measured("job-to-share", request.line.atMs - sentMs);
        bench.measured("share-to-answer", answer.line.atMs - request.line.atMs);
        expectThat(sentMs !== undefined && sentMs <= request.line.atMs, "a share came before its job");
      }
    },
  }),

  stratumCase({
    id: "stratum/share/rate",
    title: "Twelve shares of difficulty 256 come as fast as a recorded LV06 makes them, 999 times of 1,000",
    spec: ["docs/stock-devices.md"],
    level: "MAY",
    needs: [],
    can: ["hash-power"],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      const startedMs = bench.clock.nowMs();
      await on.share(12);
      const tookMs = bench.clock.nowMs() - startedMs;
      const mostMs = TWELVE_WAITS_MEANS * RECORDED_SHARE_MS * (bench.difficulty / 256);
      bench.measured("twelve-shares", tookMs);
      expectThat(tookMs <= mostMs, `they took ${Math.round(tookMs)} ms, more than ${Math.round(mostMs)}`);
    },
  }),
];
