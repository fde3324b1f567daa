import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { admitListed } from "../../../host/device/stratum/admission.ts";
import { realShares } from "../../../host/work/testing/shares.ts";
import { STRATUM_CASES } from "../../cases/stratum.ts";
import { parseRecording } from "../../recording/parse.ts";
import { VirtualClock } from "../../rig/virtual-clock.ts";
import { LV06_SHARES_PATH, replayLv06 } from "../../targets/replay-lv06.ts";
import { REAL_DIFFICULTY, stratumBenchFor } from "../../targets/stratum-bench.ts";
import { runOn } from "../../targets/testing/run-on.ts";
import { makeRealShares, REAL_SHARES_CASE } from "./make.ts";

const theCase = STRATUM_CASES.find(({ id }) => id === REAL_SHARES_CASE);
if (theCase === undefined) throw new Error("the case of the recording is gone");

describe("the recording of an LV06's real shares", () => {
  test("is what its script makes today", async () => {
    expect((await makeRealShares()).equals(readFileSync(LV06_SHARES_PATH))).toBe(true);
  });

  test("says that its shares are real, its framing is not, and whose they are", () => {
    const { header } = parseRecording(readFileSync(LV06_SHARES_PATH));
    expect(header).toMatchObject({ simulated: false, framing: "reconstructed", target: { kind: "real" } });
    for (const words of ["MIT licence", "Francisco Angulo de Lafuente", "10.5281/zenodo.17872052", "Reconstructed:"])
      expect(header.note).toContain(words);
  });

  test("has the source's times from job to share, to the microsecond", () => {
    const source = new URL("../../../host/work/testing/lv06-shares.json", import.meta.url);
    const { shares }: { shares: { job_sent_unix_s: number; share_received_unix_s: number }[] } = JSON.parse(
      readFileSync(source, "utf8"),
    );
    const { events } = parseRecording(readFileSync(LV06_SHARES_PATH));
    const at = (code: string, words: string) =>
      events.flatMap((event) =>
        "bytes" in event && event.code === code && event.bytes.includes(words) ? event.atUs : [],
      );
    // The first job is the bridge's own: nothing is sealed yet.
    const jobs = at("w", '"mining.notify",').slice(1);
    const submits = at("r", "mining.submit");
    expect([jobs.length, submits.length]).toEqual([20, 20]);
    for (const [i, { job_sent_unix_s, share_received_unix_s }] of shares.entries()) {
      const tookUs = (submits[i] ?? 0) - (jobs[i] ?? 0);
      expect(Math.abs(tookUs - (share_received_unix_s - job_sent_unix_s) * 1e6)).toBeLessThanOrEqual(1);
    }
  });
});

describe("the target of that recording", () => {
  test("passes its case with 20 latencies, and tells in its words and notes what it is", async () => {
    const target = replayLv06();
    expect(target.identity.firmware).toContain("real shares, framing reconstructed");
    expect(target.identity.simulated).toBe(false);
    const opened = await target.open(theCase, 1);
    await theCase.run(opened.bench);
    await opened.close();
    const { "job-to-share": took = [] } = opened.latencies();
    expect(took.length).toBe(20);
    expect(took.reduce((sum, ms) => sum + ms, 0) / 20).toBeCloseTo(7146, -1);
    expect(opened.notes?.()).toContain("framing reconstructed");
  });

  test("covers no other case", () => {
    const covered = STRATUM_CASES.filter((one) => replayLv06().covers(one).runs);
    expect(covered.map(({ id }) => id)).toEqual([REAL_SHARES_CASE]);
  });

  test("fails where the host says anything else than when it was made", async () => {
    const target = replayLv06();
    const seeks = {
      ...theCase,
      run: async (bench: Parameters<typeof theCase.run>[0]) => {
        const bridge = await bench.bridge({ onProof: () => {} });
        for (const { commitment } of bench.jobs.slice(0, 2)) {
          bridge.seek({ commitment, difficulty: REAL_DIFFICULTY, simulatedDifficulty: null });
        }
        await bench.settle(new Promise(() => {}), 1000);
      },
    };
    expect(await runOn(target, seeks)).toMatch(/^RECORDING_|^RIG_DEADLINE/);
  });
});

/** A pool that gives out the recorded jobs, and a device that says what it is told to. */
async function recordedPool() {
  const shares = realShares();
  const clock = new VirtualClock();
  const wrote: string[] = [];
  const { bench } = stratumBenchFor({
    ...{ target: "replay", clock, startUtcMs: 0, seed: 1, can: [], difficulty: REAL_DIFFICULTY },
    admit: admitListed({ workers: ["lv06"], simulated: [] }),
    options: {
      makeJob: ({ commitment }) =>
        (shares.find(({ wirePrevhash }) => wirePrevhash.equals(commitment)) ?? shares[0] ?? fail()).job,
      extranonce1: () => shares[0]?.terms.extranonce1 ?? fail(),
    },
    ...{ meet: async () => {}, close: async () => {} },
  });
  const bridge = await bench.bridge({ onProof: () => {} });
  const wire = { address: "device", unreadBytes: 0, send: (text: string) => void wrote.push(text), close: () => {} };
  const peer = bridge.connect(wire) ?? fail();
  const say = (message: object) => bridge.receive(peer, Buffer.from(`${JSON.stringify(message)}\n`));
  say({ id: 1, method: "mining.subscribe", params: [] });
  say({ id: 2, method: "mining.configure", params: [["version-rolling"], {}] });
  say({ id: 3, method: "mining.authorize", params: ["lv06", "x"] });
  return {
    shares,
    seek: (commitment: Uint8Array) => {
      bridge.seek({ commitment, difficulty: REAL_DIFFICULTY, simulatedDifficulty: null });
      clock.moveTo(clock.nowUs + 5_000_000);
    },
    submit: (fields: readonly string[]): unknown => {
      say({ id: 9, method: "mining.submit", params: ["lv06", ...fields] });
      const { result, error } = JSON.parse(wrote.at(-1)?.split("\n")[0] ?? "");
      return result === true ? "accepted" : error[0];
    },
  };
}

function fail(): never {
  throw new Error("the recorded pool is not as it should be");
}

const hex32 = (value: number) => value.toString(16).padStart(8, "0");

describe("each real share", () => {
  test("is refused with any one nibble of any of its numbers changed, and counts as it was", async () => {
    const { shares, seek, submit } = await recordedPool();
    let refused = 0;
    for (const { wirePrevhash, share } of shares) {
      seek(wirePrevhash);
      const extranonce2 = Buffer.from(share.extranonce2).toString("hex");
      const fields = [share.jobId, extranonce2, ...[share.ntime, share.nonce, share.versionBits].map(hex32)];
      for (let field = 1; field < fields.length; field++) {
        for (let at = 0; at < 8; at++) {
          const text = fields[field] ?? "";
          const nibble = (Number.parseInt(text[at] ?? "", 16) ^ 1).toString(16);
          const changed = fields.with(field, text.slice(0, at) + nibble + text.slice(at + 1));
          expect([20, 23]).toContain(submit(changed));
          refused += 1;
        }
      }
      expect(submit(fields)).toBe("accepted");
      expect(submit(fields)).toBe(22);
    }
    expect(refused).toBe(20 * 4 * 8);
  });
});
