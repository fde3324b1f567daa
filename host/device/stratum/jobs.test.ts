import { expect, test } from "vitest";
import type { Job } from "../../work/job.ts";
import { SeenShares } from "../../work/seen.ts";
import { checkShare } from "../../work/share.ts";
import { ANY_HASH, COMMITMENT, easyJob } from "../../work/testing/shares.ts";
import { JobBook, JobIds, stratumJob } from "./jobs.ts";

const { terms } = easyJob();
const job = (id: string): Job => stratumJob({ id, commitment: COMMITMENT, ntime: 1_800_000_000, extranonceBytes: 8 });
const share = (jobId: string) => ({
  jobId,
  extranonce2: Buffer.alloc(4),
  ntime: 1_800_000_000,
  nonce: 1,
  versionBits: 0,
});

function book() {
  const jobs = new JobBook<string>(100);
  const issue = (id: string, batch: string, nowMs = 0, difficulty = 1) =>
    jobs.issue(job(id), { ...terms, target: ANY_HASH }, { batch, difficulty }, nowMs);
  const stateOf = (id: string) => {
    const found = jobs.get(id);
    return found === undefined ? "unknown" : found === "stale" ? "stale" : "good";
  };
  return { jobs, issue, stateOf };
}

test("ids are 16 hex digits and none comes twice, nor after a restart", () => {
  const [first, second] = [new JobIds(Buffer.from("00000001", "hex")), new JobIds(Buffer.from("fffffffe", "hex"))];
  const ids = [first, second].flatMap((source) => Array.from({ length: 1000 }, () => source.next()));
  expect(new Set(ids).size).toBe(2000);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/);
});

test("two jobs of one batch and second have no header in common, so that no share counts for both", () => {
  const { jobs, issue } = book();
  issue("a1", "x");
  issue("a2", "x");
  const headers = ["a1", "a2"].map((id) => {
    const verdict = checkShare(jobs, share(id), new SeenShares(9));
    return verdict.ok ? Buffer.from(verdict.header).toString("hex") : verdict.reason;
  });
  expect(headers[0]).not.toBe(headers[1]);
});

test("a job has one branch, which firmware needs", () => {
  expect(job("a1").branches.map((branch) => branch.length)).toEqual([32]);
});

test("a new batch makes all jobs stale at once", () => {
  const { issue, stateOf } = book();
  issue("a1", "x");
  issue("a2", "x");
  issue("b1", "y");
  expect(["a1", "a2", "b1", "c1"].map(stateOf)).toEqual(["stale", "stale", "good", "unknown"]);
});

test("a job of another difficulty is good for five more seconds", () => {
  const { jobs, issue, stateOf } = book();
  issue("a1", "x");
  issue("a2", "x", 1000, 2);
  jobs.expire(6000);
  expect(stateOf("a1")).toBe("good");
  jobs.expire(6001);
  expect(["a1", "a2"].map(stateOf)).toEqual(["stale", "good"]);
});

test("keepalive jobs live on for a while, and the book stays small", () => {
  const { jobs, issue, stateOf } = book();
  for (let i = 10; i < 99; i++) {
    issue(String(i), "x", i * 30_000);
    jobs.seen.add(String(i), "share");
  }
  expect(["98", "93", "92", "61", "60"].map(stateOf)).toEqual(["good", "good", "stale", "stale", "unknown"]);
  expect(jobs.seen.count).toBe(6);
});
