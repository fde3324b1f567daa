/** SPEC 5.6: searches that find, and what they find. */
import { createHmac } from "node:crypto";
import { sleep } from "../../../host/device/clock.ts";
import { seekByWork } from "../../../host/device/seek.ts";
import type { WorkStatus } from "../../../host/device/session/work-status.ts";
import { foundHeader } from "../../../host/device/session/work-status.ts";
import { decodeHeader, rollVersion, sha256d, withinMask } from "../../../host/work/header.ts";
import { difficultyOfHash, meetsTarget } from "../../../host/work/target.ts";
import type { UsbBench } from "../../rig/bench.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { openDevice, outcome, seeded, timed } from "./support/driver.ts";
import { hexOf, okWord, okWords } from "./support/expect.ts";
import { modelKey, tagged } from "./support/keys.ts";
import { RawLine } from "./support/raw-line.ts";
import { type Drawn, drawJob, easy, ended, endsHeard, HOPELESS, start, statusOf } from "./support/searches.ts";

const MUST = { level: "MUST", needs: ["work"] } as const;
const SEEK_MS = 25_000;

/** What was found meets the target and changed nothing that it may not. */
function expectProof({ header, target, mask }: Drawn, { state, found }: WorkStatus): Buffer {
  expectThat(state === "found" && found !== undefined, `the search is ${state}, nothing was found`);
  const bits = rollVersion(decodeHeader(header).version, found.version);
  expectThat(withinMask(bits, mask), `version bits ${bits.toString(16)} were changed, outside the mask`);
  const proof = foundHeader(header, found.nonce, found.version);
  const difficulty = difficultyOfHash(sha256d(proof));
  expectThat(meetsTarget(sha256d(proof), target), `the nonce found has difficulty ${difficulty} only`);
  return proof;
}

/** One search that ends in a find. */
async function find(bench: UsbBench, line: RawLine, versionMask?: number): Promise<{ job: Drawn; end: WorkStatus }> {
  const mask = versionMask === undefined ? {} : { versionMask };
  const job = drawJob(bench, { difficulty: easy(bench), ...mask });
  statusOf(await start(line, job), "WORK START");
  return { job, end: await ended(line, job.id) };
}

export const WORK_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/work/found",
    title: "A search finds a nonce that meets the target, which the host verifies itself",
    spec: ["SPEC 5.6", "SPEC 1"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const { job, end } = await timed(bench, "work-found", () => find(bench, line));
      expectProof(job, end);
      expectThat(end.hashes > 0n, "it was found without a hash");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/seals-a-commitment",
    title: "The host's driver brings back a whole work proof of a commitment",
    spec: ["SPEC 5.6", "DESIGN 6"],
    run: async (bench) => {
      const device = await openDevice(bench);
      const random = seeded(bench);
      for (let times = 0; times < 3; times++) {
        const job = { commitment: random.bytes(32), difficulty: easy(bench), deadlineMs: 20_000 };
        const tools = { utcMs: bench.utcMs, random: (count: number) => random.bytes(count) };
        const end = await timed(bench, "seal", () => bench.settle(seekByWork(device, job, tools), SEEK_MS));
        expectThat(end.kind === "found", `the search ended ${end.kind}`);
      }
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/version-kept",
    title: "Without a mask the device leaves the version as it is",
    spec: ["SPEC 5.6"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const { job, end } = await find(bench, line, 0);
      // A real ASIC is through with one version in 10 ms, and may have found nothing.
      if (end.state !== "exhausted") expectProof(job, end);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/result-stays",
    title: "A found nonce is told by one notice and stays to be asked for, with the same values",
    spec: ["SPEC 5.6"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const { job, end } = await find(bench, line);
      const replies = [await line.ask("WORK", ["STATUS", job.id]), await line.ask("WORK", ["STOP", job.id])];
      for (const reply of replies) {
        const status = statusOf(reply, "WORK after a find");
        const same = status.found?.nonce === end.found?.nonce && status.elapsedMs === end.elapsedMs;
        expectThat(status.state === "found" && same && status.hashes === end.hashes, "the result has changed");
      }
      const again = statusOf(await start(line, job), "WORK START of a search that has ended");
      expectThat(again.state === "found", `START of the same id made it ${again.state}`);
      await line.sync();
      const ends = endsHeard(line.heard, job.id);
      expectThat(ends.length === 1, `${ends.length} notices of one end`);
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/answers-meanwhile",
    title: "While it searches the device answers everything else, promptly and right",
    spec: ["SPEC 4.2", "SPEC 5.6"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const job = drawJob(bench, { difficulty: HOPELESS });
      statusOf(await start(line, job), "WORK START");
      for (let times = 0; times < 20; times++) {
        const digest = okWord(await timed(bench, "hash-while-searching", () => line.ask("HASH", ["616263"])), "HASH");
        expectThat(digest.startsWith("ba7816bf"), `the digest of \`abc\` is ${digest}`);
      }
      okWords(await line.ask("WORK", ["STOP", job.id]), "WORK STOP");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/host-stops",
    title: "The host that gives a search up stops it on the device",
    spec: ["SPEC 5.6"],
    run: async (bench) => {
      const device = await openDevice(bench);
      const { header, target, mask } = drawJob(bench, { difficulty: HOPELESS });
      const control = new AbortController();
      const job = { header, target, versionMask: mask, deadlineMs: 20_000 };
      const searching = device.work(job, { signal: control.signal });
      await bench.settle(sleep(bench.clock, 50), 5000);
      // One search at a time, and the host knows it.
      const second = await outcome(bench.settle(device.work(job), 5000));
      expectThat(second === "DEVICE_BUSY", `a second search ended in ${second}`);
      control.abort();
      const end = await bench.settle(searching, 5000);
      expectThat(end.kind === "stopped" || end.kind === "exhausted", `the search ended ${end.kind}`);
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/mac",
    title: "A found nonce bears a MAC over the found header and the boot; a model's is right",
    spec: ["SPEC 5.6", "SPEC 5.7"],
    needs: ["work", "attest"],
    run: async (bench) => {
      const line = await RawLine.open(bench);
      const { job, end } = await find(bench, line);
      const proof = expectProof(job, end);
      const mac = end.found?.mac;
      const key = modelKey(line.hello);
      if (key === undefined) return;
      const message = Buffer.concat([tagged("lv06/work/1"), proof, Buffer.from(line.boot, "hex")]);
      const own = createHmac("sha256", key).update(message).digest("hex");
      expectThat(mac !== undefined && hexOf(mac) === own, "the MAC is not the one of the header that was found");
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/work/rate-of-an-asic",
    title: "Twenty proofs of difficulty 1 come within 10 s: more than any host computer searches",
    spec: ["SPEC 1", "DESIGN 2"],
    level: "MAY",
    can: ["hash-power"],
    run: async (bench) => {
      const device = await openDevice(bench);
      const random = seeded(bench);
      const tools = { utcMs: bench.utcMs, random: (count: number) => random.bytes(count) };
      const startMs = bench.clock.nowMs();
      for (let found = 0; found < 20; ) {
        const job = { commitment: random.bytes(32), difficulty: 1, deadlineMs: 10_000 };
        const end = await timed(bench, "proof-of-difficulty-1", () =>
          bench.settle(seekByWork(device, job, tools), SEEK_MS),
        );
        const tookMs = bench.clock.nowMs() - startMs;
        expectThat(tookMs < 10_000, `${found} proofs in ${Math.round(tookMs)} ms: a processor may have made them`);
        if (end.kind === "found") found += 1;
      }
      await device.close();
    },
  }),
];
