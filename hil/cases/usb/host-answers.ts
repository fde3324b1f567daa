/** What the host's driver makes of answers: whose they are, what they say, and how long it waits for them. */

import { encodeFrame, type Frame } from "../../../host/device/link/frame.ts";
import { parsePairs } from "../../../host/device/session/pairs.ts";
import { type Case, expectThat, usbCase } from "../../rig/case.ts";
import { openDevice, outcome } from "./support/driver.ts";
import { expectBytes } from "./support/expect.ts";
import { drawFilm, ownRoot } from "./support/films.ts";
import { Tap } from "./support/tap.ts";

const MUST = { level: "MUST", needs: [] } as const;
const DEADLINE_MS = 600;
/** Repeats alone would take 4.5 s. */
const LATE_MS = 2000;
const LACKING = 8;
const IMAGE_MS = 25_000;

const encoded = (frames: readonly Frame[]) => frames.map(encodeFrame);

/** A HELLO's answer, as another device gave it to another host. */
function ofAnEarlierHandshake(frame: Frame): Frame {
  const args = frame.args.map((word) => (word.startsWith("nonce=") ? "nonce=0a0b0c0d" : word));
  return { ...frame, args: ["00000000", ...args.slice(1)] };
}

export const HOST_ANSWER_CASES: readonly Case<"usb">[] = [
  usbCase({
    ...MUST,
    id: "usb/host/earlier-handshake",
    title: "HELLO's answer with another nonce is passed over, though it bears the right number",
    spec: ["SPEC 5.1"],
    run: async (bench) => {
      const tap = new Tap();
      tap.deliver = (frames) =>
        encoded(frames.flatMap((frame) => (frame.verb === "OK" ? [ofAnEarlierHandshake(frame), frame] : [frame])));
      const device = await openDevice(bench, { wrap: tap.through });
      tap.deliver = undefined;
      const [boot] = tap.replies.find(({ verb }) => verb === "OK")?.args ?? [];
      expectThat(device.info.bootId === boot, `the host takes boot ${device.info.bootId}, the device says ${boot}`);
      await bench.settle(device.ping(), 5000);
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/host/deadline",
    title: "A call ends at its deadline, also while the request may be repeated yet",
    spec: ["SPEC 4.2"],
    run: async (bench) => {
      const tap = new Tap();
      const device = await openDevice(bench, { wrap: tap.through });
      tap.cut = true;
      const startMs = bench.clock.nowMs();
      const code = await outcome(bench.settle(device.ping({ deadlineMs: DEADLINE_MS }), 10_000));
      const tookMs = bench.clock.nowMs() - startMs;
      expectThat(code === "DEVICE_DEADLINE", `PING on a cut line ended in ${code}`);
      expectThat(tookMs < LATE_MS, `it ended after ${Math.round(tookMs)} ms, at a deadline of ${DEADLINE_MS} ms`);
      tap.cut = false;
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/host/health-as-told",
    title: "The host hands out every reading of HEALTH as the device told it, under its own name",
    spec: ["SPEC 5.5"],
    needs: ["health"],
    run: async (bench) => {
      const tap = new Tap();
      const device = await openDevice(bench, { wrap: tap.through });
      const health = await bench.settle(device.health(), 5000);
      const told = parsePairs(tap.replies.at(-1)?.args ?? []);
      for (const [key, value] of Object.entries(health)) {
        expectThat(String(value) === told.get(key), `${key} is ${value}, the device said ${told.get(key)}`);
      }
      expectThat(Object.keys(health).length > 0, "the host hands out nothing");
      await device.close();
    },
  }),
  usbCase({
    ...MUST,
    id: "usb/host/lacking-rows",
    title: "Rows that the device goes on to lack are sent anew, from the first of them",
    spec: ["SPEC 5.8"],
    needs: ["image"],
    run: async (bench) => {
      const tap = new Tap();
      const device = await openDevice(bench, { wrap: tap.through });
      const image = drawFilm(bench, 64);
      // The first may have overtaken rows that are sent again anyway.
      let denials = 2;
      let sentBefore = 0;
      tap.deliver = (frames) =>
        encoded(
          frames.map((frame) => {
            if (!isRoots(frame) || denials === 0) return frame;
            denials -= 1;
            sentBefore = tap.sent.length;
            return lacking(frame);
          }),
        );
      const { roots } = await bench.settle(device.image(image, { scales: [8], raw: true }), IMAGE_MS);
      tap.deliver = undefined;
      expectBytes(roots.get(8), Buffer.from(ownRoot(image, 8), "hex"), "the root");
      const [again] = tap.sent.slice(sentBefore).flatMap(({ args }) => (args[0] === "ROWS" ? [Number(args[2])] : []));
      const right = again !== undefined && again <= LACKING;
      expectThat(right, `row ${LACKING} was not sent anew: the first that came was ${again ?? "none"}`);
      await device.close();
    },
  }),
];

const isRoots = ({ verb, args }: Frame) => verb === "OK" && args[1]?.startsWith("8=") === true;

/** The same answer, had the rows from `LACKING` on not arrived. */
function lacking({ seq, args: [boot = ""] }: Frame): Frame {
  return { seq, verb: "ERR", args: [boot, "MISSING", String(LACKING)] };
}
