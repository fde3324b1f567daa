import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryImage } from "../testing/memory-image.ts";
import type { RowsPayload } from "./rows.ts";
import { type AskOutcome, type ImageAsk, ImageUpload, imageWords, type UploadPlan } from "./upload.ts";

const SIDE = 16;
const pixels = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (i * 7) & 255);
const rows: RowsPayload[] = [0, 4, 8, 12].map((first) => ({
  first,
  count: 4,
  encoding: "raw",
  bytes: pixels.subarray(first * SIDE, (first + 4) * SIDE),
}));
const plan: UploadPlan = {
  id: "0000002a",
  width: SIDE,
  height: SIDE,
  rows,
  question: { scales: [4, 8], digestsOf: [4] },
  maxReplyBytes: 29 + 33 * 5,
};

/** What a device that holds `device` answers to one ask. */
function answer(device: MemoryImage, ask: ImageAsk): AskOutcome {
  const payload = ask.kind === "rows" ? { payload: ask.rows.bytes } : {};
  const reply = device.answer({ seq: 1, verb: "IMAGE", args: imageWords(ask, plan), ...payload });
  if (!("err" in reply)) {
    const data = reply.payload === undefined ? {} : { payload: reply.payload };
    return { kind: "reply", reply: { args: reply.ok, boot: "1a2b3c4d", ...data } };
  }
  if (reply.err[0] === "MISSING") return { kind: "missing", row: Number(reply.err[1]) };
  if (reply.err[0] === "STATE") return { kind: "state" };
  throw new Error(reply.err.join(" "));
}

/** Drives the upload; `meddle` may do something to the device before each ask, or swap the asks of a round. */
function drive(meddle: (device: MemoryImage, round: number, asks: readonly ImageAsk[]) => readonly ImageAsk[]) {
  const device = new MemoryImage();
  const upload = new ImageUpload(plan);
  const sent: string[] = [];
  for (let asks: readonly ImageAsk[] = [...upload.begin()], round = 0; ; round++) {
    const order = meddle(device, round, asks);
    const outcomes = new Map(order.map((ask) => [ask, answer(device, ask)]));
    sent.push(asks.map(({ kind }) => kind[0]).join(""));
    const inOrder = asks.map((ask) => outcomes.get(ask) ?? answer(device, ask));
    const step = upload.next(asks, inOrder);
    if (step.kind === "done") return { answer: step.answer, sent };
    asks = step.asks;
  }
}

const clean = drive((_, __, asks) => asks);

describe("ImageUpload", () => {
  it("asks for everything at once, then for digests in ranges that fit a reply", () => {
    expect(clean.sent).toEqual(["nrrrrr", "dddd"]);
    expect([...clean.answer.roots.keys()]).toEqual([4, 8]);
    expect(clean.answer.digests.get(4)?.length).toBe(16 * 32);
  });

  it("asks again when a row came after the roots were asked for", () => {
    const late = drive((_, round, asks) =>
      round === 0 ? [...asks.slice(0, 2), ...asks.slice(3), ...asks.slice(2, 3)] : asks,
    );
    expect(late.sent).toEqual(["nrrrrr", "r", "dddd"]);
    expect(late.answer).toEqual(clean.answer);
  });

  it("sends all again when the device has forgotten the image, also between the digests", () => {
    for (const when of [1, 2]) {
      const forgot = drive((device, round, asks) => {
        if (round === 0 && when === 1) return [...asks.slice(1), ...asks.slice(0, 1)];
        if (round === 1 && when === 2) device.forget();
        return asks;
      });
      expect(forgot.sent.filter((round) => round === "nrrrrr")).toHaveLength(2);
      expect(forgot.answer).toEqual(clean.answer);
    }
  });

  it("sends lost rows again, from the first that is missing", () => {
    const lost = drive((device, round, asks) => {
      if (round === 1) device.lose(5);
      return asks;
    });
    expect(lost.sent).toEqual(["nrrrrr", "dddd", "rrrr", "dddd"]);
    expect(lost.answer).toEqual(clean.answer);
  });

  it("gives up on a device that loses rows for ever", () => {
    let rounds = 0;
    const forgetful = () =>
      drive((device, round, asks) => {
        rounds = round;
        if (asks[0]?.kind === "digests") device.forget();
        return asks;
      });
    expect(forgetful).toThrow("DEVICE_DEADLINE");
    expect(rounds).toBeLessThan(15);
  });

  it("comes to the same answer, or to none, whatever the order and whatever is forgotten", () => {
    const meddling = fc.array(fc.record({ forget: fc.boolean(), lose: fc.nat(15), keys: fc.array(fc.nat()) }), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(meddling, (plans) => {
        try {
          const got = drive((device, round, asks) => {
            const now = plans[round];
            if (now === undefined) return asks;
            if (now.forget) device.forget();
            else device.lose(now.lose);
            const key = (ask: ImageAsk) => now.keys[asks.indexOf(ask)] ?? 0;
            return [...asks].sort((a, b) => key(a) - key(b));
          });
          expect(got.answer).toEqual(clean.answer);
        } catch (error) {
          expect(String(error)).toContain("DEVICE_DEADLINE");
        }
      }),
    );
  });

  it.each([
    ["a root too few", { args: [`4=${"0".repeat(64)}`] }],
    ["a root too short", { args: [`4=${"0".repeat(64)}`, `8=${"0".repeat(62)}`] }],
    ["a root in capitals", { args: [`4=${"A".repeat(64)}`, `8=${"0".repeat(64)}`] }],
  ])("believes no reply with %s", (_, reply) => {
    const upload = new ImageUpload(plan);
    const asks = [...upload.begin()];
    const outcomes = asks.map((): AskOutcome => ({ kind: "reply", reply: { boot: "1a2b3c4d", ...reply } }));
    expect(() => upload.next(asks, outcomes)).toThrow("DEVICE_REPLY");
  });

  it("believes no digests of another number than asked", () => {
    const upload = new ImageUpload(plan);
    const asks: ImageAsk[] = [{ kind: "digests", scale: 4, first: 0, count: 2 }];
    const reply = { args: [], boot: "1a2b3c4d", payload: Buffer.alloc(96) };
    expect(() => upload.next(asks, [{ kind: "reply", reply }])).toThrow("DEVICE_REPLY");
  });
});
