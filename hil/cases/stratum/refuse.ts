/** What is no share of the job at hand is refused with Stratum's code; played by a raw client beside the device. */

import type { StratumBench } from "../../rig/bench.ts";
import { expectThat, stratumCase } from "../../rig/case.ts";
import { RAW_WORKER } from "../../targets/tapped-bridge.ts";
import { RawClient, type ShareParams } from "./raw-client.ts";
import { sentShares } from "./talk.ts";
import { hardSealing, SHARES_MS, Working } from "./work.ts";

const DUPLICATE = 22;
const LOW = 23;
const STALE = 21;

/** A valid share but for one field. */
interface Wrong {
  readonly name: string;
  readonly title: string;
  readonly code: number;
  readonly change: (share: ShareParams) => readonly unknown[];
}

const WRONG: readonly Wrong[] = [
  {
    name: "unknown-job",
    title: "A share of a job that never was is refused with 21",
    code: 21,
    change: (share) => share.with(1, "ffffffffffffffff"),
  },
  {
    name: "out-of-mask",
    title: "A share that rolls a bit outside the mask is refused with 20",
    code: 20,
    change: (share) => share.with(5, "20000000"),
  },
  {
    name: "extranonce2-length",
    title: "A share with an extranonce2 of 5 bytes is refused with 20",
    code: 20,
    change: (share) => share.with(2, "0000000000"),
  },
  {
    name: "time-before",
    title: "A share from before its job is refused with 20",
    code: 20,
    change: (share) => share.with(3, later(share[3], -1)),
  },
  {
    name: "time-after",
    title: "A share from eleven minutes after its job is refused with 20",
    code: 20,
    change: (share) => share.with(3, later(share[3], 660)),
  },
  {
    name: "malformed",
    title: "A share whose nonce has 7 digits is refused with 20",
    code: 20,
    change: (share) => share.with(4, share[4].slice(1)),
  },
  {
    name: "other-worker",
    title: "A share under another worker's name is refused with 24",
    code: 24,
    change: (share) => share.with(0, "lv06"),
  },
];

export const REFUSE_CASES = [
  ...WRONG.map(({ name, title, code, change }) =>
    stratumCase({
      ...{ id: `stratum/refuse/${name}`, title, spec: ["Stratum V1: mining.submit"], level: "MUST", needs: [] },
      run: async (bench) => {
        const raw = await rawBeside(bench);
        const share = raw.find();
        const got = raw.submit(change(share));
        expectThat(got === code, `it was answered with ${got}, not ${code}`);
        // So that nothing but the change can be the reason.
        expectThat(raw.submit(share) === "accepted", "the share without the change is not accepted either");
      },
    }),
  ),

  stratumCase({
    id: "stratum/refuse/low-difficulty",
    title: "A share that misses its difficulty is refused with 23",
    ...{ spec: ["Stratum V1: mining.submit"], level: "MUST", needs: [] },
    run: async (bench) => {
      const raw = await rawBeside(bench);
      const got = raw.submit(raw.find(false));
      expectThat(got === LOW, `it was answered with ${got}, not ${LOW}`);
    },
  }),

  stratumCase({
    id: "stratum/refuse/duplicate",
    title: "A share that was sent before is refused with 22, also after others",
    ...{ spec: ["Stratum V1: mining.submit"], level: "MUST", needs: [] },
    run: async (bench) => {
      const raw = await rawBeside(bench);
      const [first, second] = [raw.find(), raw.find()];
      expectThat(raw.submit(first) === "accepted" && raw.submit(second) === "accepted", "a true share was refused");
      for (const share of [first, second]) {
        const got = raw.submit(share);
        expectThat(got === DUPLICATE, `it was answered with ${got}, not ${DUPLICATE}`);
      }
    },
  }),

  stratumCase({
    id: "stratum/refuse/stale",
    title: "A share of the batch before is refused with 21, however true",
    ...{ spec: ["Stratum V1: mining.submit"], level: "MUST", needs: [] },
    run: async (bench) => {
      const { bridge } = await Working.of(bench);
      const raw = new RawClient(bridge).open();
      const share = raw.find();
      bridge.seek(hardSealing(bench, 0x71));
      const got = raw.submit(share);
      expectThat(got === STALE, `it was answered with ${got}, not ${STALE}`);
      expectThat(raw.submit(raw.find()) === "accepted", "a share of the new batch is not accepted");
    },
  }),

  stratumCase({
    id: "stratum/refuse/foreign",
    title: "A share that the device made counts for nobody else",
    ...{ spec: ["Stratum V1: mining.submit"], level: "MUST", needs: [], deadlineMs: SHARES_MS },
    run: async (bench) => {
      const on = await Working.of(bench);
      const raw = new RawClient(on.bridge).open();
      await on.share(1);
      const taken = sentShares(bench).find(({ answer }) => answer.result === true);
      expectThat(taken !== undefined, "the device's share is not in its dialogue");
      const { jobId, extranonce2, ntime, nonce, versionBits } = taken;
      const again = [RAW_WORKER, jobId, extranonce2, ntime, nonce, versionBits] as const;
      const got = raw.submit(again);
      expectThat(got === STALE, `under its own job's id it was answered with ${got}`);
      const moved = [RAW_WORKER, raw.job.id, extranonce2, raw.job.ntime, nonce, versionBits] as const;
      // Once in a thousand times it is a share of the thief's own by chance.
      const due = raw.proves(moved) >= raw.difficulty ? "accepted" : LOW;
      const judged = raw.submit(moved);
      expectThat(judged === due, `under the thief's job it was answered with ${judged}, not ${due}`);
    },
  }),

  stratumCase({
    id: "stratum/refuse/too-early",
    title: "A share before subscribing is refused with 25, before authorising with 24",
    ...{ spec: ["Stratum V1: mining.submit"], level: "MUST", needs: [] },
    run: async (bench) => {
      const { bridge } = await Working.of(bench);
      const raw = new RawClient(bridge);
      const share = ["rig.raw", "1", "00000000", "00000000", "00000000"];
      const before = raw.submit(share);
      expectThat(before === 25, `before subscribing: ${before}`);
      raw.ask("mining.subscribe", "raw/rig");
      const heard = raw.heard();
      raw.ask("mining.submit", ...share);
      await bench.settle(heard, 1000);
      const code = raw.told.at(-1)?.error?.[0];
      expectThat(code === 24, `before authorising: ${code}`);
    },
  }),
];

async function rawBeside(bench: StratumBench): Promise<RawClient> {
  const { bridge } = await Working.of(bench);
  return new RawClient(bridge).open();
}

function later(ntime: string, seconds: number): string {
  return (Number.parseInt(ntime, 16) + seconds).toString(16).padStart(8, "0");
}
