import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LineDecoder } from "../link/decoder.ts";
import type { Frame } from "../link/frame.ts";
import { Exchange } from "./exchange.ts";
import { type Call, type Output, requestOf } from "./request.ts";

const BOOT = "1a2b3c4d";
const CREDITS = { lines: 3, bytes: 600 };

/** An exchange, what it said, and who was answered how often. */
class Bench {
  readonly exchange = new Exchange({ firstSeq: 0xfff0, queueMax: 100, baud: 115_200 }, CREDITS);
  readonly settled = new Map<number, string[]>();
  readonly notices: string[] = [];
  readonly sent: Frame[] = [];
  nowMs = 0;
  #nextId = 1;

  constructor() {
    this.exchange.adopt(BOOT, CREDITS);
  }

  ask(call: Call): number {
    const id = this.#nextId++;
    this.settled.set(id, []);
    this.step((out) => this.exchange.submit(requestOf(call, id, this.nowMs), this.nowMs, out));
    return id;
  }

  hear(frame: Frame): void {
    this.step((out) => this.exchange.receive({ kind: "frame", frame }, this.nowMs, out));
  }

  /** On to the next thing due. @returns false if there is none */
  wait(): boolean {
    const next = this.exchange.nextWakeAtMs();
    if (next === undefined) return false;
    this.nowMs = Math.max(this.nowMs, next);
    this.step((out) => this.exchange.tick(this.nowMs, out));
    return true;
  }

  step(input: (out: Output[]) => void): void {
    const out: Output[] = [];
    input(out);
    for (const output of out) {
      if (output.kind === "send") this.#send(output.bytes);
      else if (output.kind === "reply") this.settled.get(output.id)?.push(`reply ${output.reply.args.join(" ")}`);
      else if (output.kind === "failed") this.settled.get(output.id)?.push(output.code);
      else this.notices.push(output.kind);
    }
  }

  #send(bytes: Uint8Array): void {
    for (const event of new LineDecoder(4096).push(bytes)) if (event.kind === "frame") this.sent.push(event.frame);
  }
}

const ok = (seq: number, ...words: string[]): Frame => ({ seq, verb: "OK", args: [BOOT, ...words] });
const last = <T>(items: readonly T[]): T => {
  const item = items.at(-1);
  if (item === undefined) throw new Error("nothing there");
  return item;
};

describe("Exchange", () => {
  it("settles every request once, whatever is lost, doubled, delayed or reordered", () => {
    const fate = fc.constantFrom("lose", "answer", "twice", "late", "refuse", "wait", "cancel");
    fc.assert(
      fc.property(fc.array(fate, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (fates, count) => {
        const bench = new Bench();
        const ids = Array.from({ length: count }, (_, i) => bench.ask({ verb: "HASH", args: [`0${i % 10}`] }));
        const late: Frame[] = [];
        for (const [i, what] of fates.entries()) {
          const request = bench.sent.shift();
          if (what === "wait" || request === undefined) bench.wait();
          else if (what === "late") late.unshift(ok(request.seq, `${request.args}`));
          else if (what === "cancel") bench.step((out) => bench.exchange.cancel(ids[i % count] ?? 0, out));
          else if (what === "refuse") bench.hear({ seq: request.seq, verb: "ERR", args: [BOOT, "LENGTH"] });
          else if (what !== "lose") {
            bench.hear(ok(request.seq, `${request.args}`));
            if (what === "twice") bench.hear(ok(request.seq, `${request.args}`));
          }
          expect(bench.exchange.unanswered).toBeLessThanOrEqual(CREDITS.lines);
        }
        for (const frame of late) bench.hear(frame);
        for (let i = 0; i < 1000 && bench.wait(); i++);
        expect(bench.exchange.unanswered).toBe(0);
        for (const [index, id] of ids.entries()) {
          const [first, ...more] = bench.settled.get(id) ?? [];
          expect(more).toEqual([]);
          expect([`reply 0${index % 10}`, "DEVICE_REFUSED", "DEVICE_DEADLINE", "DEVICE_ABORTED"]).toContain(first);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("goes on to later numbers past those that may still be answered, and never uses 0", () => {
    const bench = new Bench();
    for (let i = 0; i < 40; i++) {
      bench.ask({ verb: "PING", args: [] });
      bench.hear(ok(last(bench.sent).seq));
    }
    expect(bench.sent.map(({ seq }) => seq).slice(14, 18)).toEqual([0xfffe, 0xffff, 1, 2]);
  });

  it("does not come round to a number whose second reply may still be under way", () => {
    const bench = new Bench();
    bench.ask({ verb: "PING", args: [] });
    bench.wait();
    const repeated = last(bench.sent).seq;
    bench.hear(ok(repeated));
    bench.sent.length = 0;
    for (let i = 0; i < 0x10000; i++) {
      bench.ask({ verb: "PING", args: [] });
      bench.hear(ok(last(bench.sent).seq));
    }
    expect(bench.sent.map(({ seq }) => seq)).not.toContain(repeated);
  });

  it("hands a refusal on with its code and words, an unknown code as DEVICE", () => {
    const refusals: unknown[] = [];
    for (const words of [["MISSING", "17"], ["NOVELTY", "x"], []]) {
      const bench = new Bench();
      bench.ask({ verb: "IMAGE", args: ["ROOTS"] });
      const out: Output[] = [];
      const frame = { seq: last(bench.sent).seq, verb: "ERR", args: [BOOT, ...words] };
      bench.exchange.receive({ kind: "frame", frame }, 0, out);
      refusals.push(out.flatMap((output) => (output.kind === "failed" ? [output.refusal] : [])));
    }
    expect(refusals).toEqual([
      [{ code: "MISSING", words: ["17"] }],
      [{ code: "DEVICE", words: ["x"] }],
      [{ code: "DEVICE", words: [] }],
    ]);
  });

  it("passes over a reply that the request does not accept, and waits on", () => {
    const bench = new Bench();
    const id = bench.ask({ verb: "HELLO", args: [], accepts: ([word]) => word === "ours" });
    bench.hear(ok(last(bench.sent).seq, "theirs"));
    expect(bench.settled.get(id)).toEqual([]);
    bench.hear(ok(last(bench.sent).seq, "ours"));
    expect(bench.settled.get(id)).toEqual(["reply ours"]);
  });

  it("gives notices of a search to whoever listens, and none of another boot's", () => {
    const bench = new Bench();
    bench.hear({ seq: 0, verb: "WORK", args: [BOOT, "0000000a", "running"] });
    expect(bench.notices).toEqual(["notice"]);
    bench.hear({ seq: 0, verb: "WORK", args: ["ffffffff", "0000000a", "running"] });
    expect(bench.notices).toEqual(["notice", "rebooted"]);
  });

  it("takes its own requests, echoed, for nothing", () => {
    const bench = new Bench();
    const id = bench.ask({ verb: "WORK", args: ["STATUS", "1a2b3c4d"] });
    for (const frame of [last(bench.sent), { seq: 0, verb: "PING", args: [] }]) bench.hear(frame);
    expect(bench.settled.get(id)).toEqual([]);
    expect(bench.exchange.counters.strayFrames).toBe(2);
  });

  it("holds all but urgent requests, in order, until it is released", () => {
    const bench = new Bench();
    bench.exchange.hold();
    bench.ask({ verb: "HASH", args: ["00"] });
    bench.ask({ verb: "BAUD", args: ["921600"], urgent: true });
    expect(bench.sent.map(({ verb }) => verb)).toEqual(["BAUD"]);
    bench.step((out) => bench.exchange.release(bench.nowMs, out));
    expect(bench.sent.map(({ verb }) => verb)).toEqual(["BAUD", "HASH"]);
  });

  it("does not send what was given up before, nor repeat what was given up after", () => {
    const bench = new Bench();
    const ids = Array.from({ length: 4 }, () => bench.ask({ verb: "PING", args: [] }));
    for (const id of ids) bench.step((out) => bench.exchange.cancel(id, out));
    expect(bench.sent).toHaveLength(3);
    for (let i = 0; i < 100 && bench.wait(); i++);
    expect(bench.sent).toHaveLength(3);
    expect([...bench.settled.values()]).toEqual(ids.map(() => ["DEVICE_ABORTED"]));
  });

  it("waits longer where long replies share a slow line", () => {
    const waitFor = (replyBytes: number) => {
      const bench = new Bench();
      bench.ask({ verb: "IMAGE", args: ["DIGESTS"], replyBytes });
      return bench.exchange.nextWakeAtMs() ?? 0;
    };
    expect(waitFor(2304) - waitFor(30)).toBeGreaterThan(2274 / 11.52);
  });
});
