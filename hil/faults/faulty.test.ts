import { describe, expect, it } from "vitest";
import { LineDecoder } from "../../host/device/link/decoder.ts";
import { encodeFrame, type Frame } from "../../host/device/link/frame.ts";
import { FaultBox } from "./faulty.ts";
import { garble } from "./garble.ts";
import { FAULT_KINDS, type FaultKind, kindOf } from "./kinds.ts";
import { faultyLine, TestLine } from "./testing/line.ts";
import { parseFaults } from "./text.ts";

const BOOT = "1a2b3c4d";
const digest = (mark: string) => mark.repeat(64 / mark.length);
const ask = (seq: number, verb = "HASH") => encodeFrame({ seq, verb, args: ["616263"] }).toString("latin1");
const answer = (seq: number, mark: string) =>
  encodeFrame({ seq, verb: "OK", args: [BOOT, digest(mark)] }).toString("latin1");
const framesOf = (text: string): Frame[] =>
  new LineDecoder(65_536)
    .push(Buffer.from(text, "latin1"))
    .flatMap((event) => (event.kind === "frame" ? [event.frame] : []));
const write = (line: ReturnType<typeof faultyLine>, text: string) => line.host.write(Buffer.from(text, "latin1"));

/** Talks for a while: requests, and their answers a little later. */
async function talk(line: ReturnType<typeof faultyLine>): Promise<void> {
  for (const [i, mark] of ["0123", "4567", "89ab", "cdef"].entries()) {
    void write(line, ask(i + 1)).catch(() => {});
    await line.clock.run(line.clock.nowMs() + 5);
    line.device.say(answer(i + 1, mark));
    await line.clock.run(line.clock.nowMs() + 5);
  }
  await line.clock.run(10_000);
}

describe("every fault", () => {
  const options: Partial<Record<FaultKind, string>> = { latency: "ms=9", bandwidth: "baud=9600", stall: "ms=90" };
  const cases = FAULT_KINDS.flatMap((kind) => kindOf(kind).in.map((direction) => [kind, direction] as const));

  it.each(cases)("%s@%s strikes, is counted, and changes what passes, or when", async (kind, direction) => {
    const honest = faultyLine("");
    const line = faultyLine(`seed=3; ${kind}@${direction} ${options[kind] ?? ""}`);
    await talk(honest);
    await talk(line);
    expect(line.box.fired[kind]).toBeGreaterThan(0);
    expect(line.log).not.toEqual(honest.log);
    expect(line.box.waitingBytes).toBe(0);
  });

  it.each(cases)("%s@%s does the same again with the same seed", async (kind, direction) => {
    const plan = `seed=11; ${kind}@${direction} p=0.7 ${options[kind] ?? ""}`;
    const [one, two] = [faultyLine(plan), faultyLine(plan)];
    await talk(one);
    await talk(two);
    expect([two.log, two.box.fired]).toEqual([one.log, one.box.fired]);
  });
});

describe("triggers", () => {
  it("strike at a line, a verb, after bytes, a number of times, and between marks", async () => {
    const lines = ["one\n", "two\n", "three\n", "four\n"];
    const struck = async (trigger: string) => {
      const line = faultyLine(`lose@write ${trigger}`);
      for (const [i, text] of lines.entries()) {
        if (i === 1) line.box.mark("begin");
        if (i === 3) line.box.mark("end");
        await write(line, text);
      }
      return line.device.written.join("");
    };
    expect(await struck("line=3")).toBe("one\ntwo\nfour\n");
    expect(await struck("times=2")).toBe("three\nfour\n");
    expect(await struck("afterBytes=8")).toBe("one\ntwo\n");
    expect(await struck("from=begin to=end")).toBe("one\nfour\n");
    expect(await struck("p=0")).toBe(lines.join(""));
  });

  it("tell answers by the command they answer", async () => {
    const line = faultyLine("lose@read verb=PING");
    await write(line, ask(1, "HASH") + ask(2, "PING"));
    line.device.say(answer(2, "b") + answer(1, "a"));
    expect(line.heard.join("")).toBe(answer(1, "a"));
  });

  it("of one fault draw nothing from another's luck", async () => {
    const alone = faultyLine("seed=5; lose@write p=0.5");
    const beside = faultyLine("seed=5; lose@write p=0.5; flip@read p=0.5");
    for (const line of [alone, beside]) {
      for (let i = 0; i < 50; i++) {
        line.device.say("noise\n");
        await write(line, `${i}\n`);
      }
    }
    expect(beside.device.written).toEqual(alone.device.written);
  });
});

describe("time", () => {
  it("delays in order, and goes no faster than a line of its rate", async () => {
    const line = faultyLine("bandwidth@read baud=9600");
    line.device.say(`${"x".repeat(959)}\n`);
    await line.clock.run(990);
    expect(line.heard).toEqual([]);
    await line.clock.run(1010);
    expect(line.heard.join("").length).toBe(960);
  });

  it("stands still, and then everything comes at once", async () => {
    const line = faultyLine("stall@read ms=500 times=1");
    line.device.say("a\n");
    line.device.say("b\n");
    await line.clock.run(499);
    expect(line.heard).toEqual([]);
    await line.clock.run(501);
    expect(line.heard).toEqual(["a\nb\n"]);
  });

  it("splits at every offset by turns", async () => {
    const line = faultyLine("split@read");
    for (let i = 0; i < 4; i++) line.device.say("abcd\n");
    expect(line.heard.filter((_, i) => i % 2 === 0)).toEqual(["a", "ab", "abc", "abcd"]);
  });

  it("loses what does not fit, as a port without flow control", async () => {
    const line = faultyLine("stall@read ms=500 times=1");
    for (let i = 0; i < 40; i++) line.device.say(`${"x".repeat(65_535)}\n`);
    expect(line.box.waitingBytes).toBeLessThanOrEqual(1 << 20);
    await line.clock.run(600);
    expect(line.heard.join("").length).toBe(1 << 20);
  });

  it("lets a line go that never ends, and holds no more of it than a bound", async () => {
    const line = faultyLine("flip@read p=0");
    line.device.say("no line feed");
    await line.clock.run(1000);
    expect(line.heard).toEqual(["no line feed"]);
    line.device.say("x".repeat(200_000));
    expect(line.box.waitingBytes).toBe(0);
  });
});

describe("the connection", () => {
  it("is half open: nothing is heard, all is written, until it is opened anew", async () => {
    const line = faultyLine("half-open@read times=1");
    await write(line, "w\n");
    line.device.say("a\n");
    line.device.say("b\n");
    await write(line, "w\n");
    expect([line.heard, line.device.written]).toEqual([[], ["w\n", "w\n"]]);
    const next = new TestLine();
    const again = line.box.wrap(next);
    const heard: string[] = [];
    again.onChunk((chunk) => void heard.push(String(chunk)));
    next.say("c\n");
    expect(heard).toHaveLength(1);
  });

  it("ends once when it is unplugged, and has another name then", async () => {
    const line = faultyLine("unplug@read times=1");
    line.device.say("a\n");
    await line.host.close();
    expect(line.ends).toEqual(["unplugged"]);
    expect(line.device.closed).toBe(true);
    await expect(write(line, "x\n")).rejects.toThrow("unplugged");
    expect(line.box.wrap(new TestLine()).name).toBe("test~2");
  });

  it("fails a write and stays, or never answers it", async () => {
    const failing = faultyLine("eio@write times=1");
    await expect(write(failing, "x\n")).rejects.toThrow("EIO");
    await write(failing, "y\n");
    expect([failing.ends, failing.device.written]).toEqual([[], ["y\n"]]);
    const hanging = faultyLine("hang@write times=1");
    let settled = false;
    const done = () => {
      settled = true;
    };
    write(hanging, "x\n").then(done, done);
    await hanging.clock.run(10_000);
    expect(settled).toBe(false);
  });

  it("has no restarts where nothing can restart the device", () => {
    const { clock } = faultyLine("");
    expect(() => new FaultBox(parseFaults("restart@read"), { clock })).toThrow(
      expect.objectContaining({ code: "FAULT_CANNOT" }),
    );
  });

  it("is restarted once, and not again by what it says at its start", () => {
    const line = faultyLine("restart@read");
    line.device.say("boot\n");
    line.device.say("boot\n");
    expect(line.acts).toEqual(["restart"]);
    expect(line.box.fired.restart).toBe(1);
  });

  it("is well again once it is healed: what was held comes, nothing is harmed", async () => {
    const line = faultyLine("stall@read ms=9000; lose@write; reorder@read");
    line.device.say("held\n");
    line.box.heal();
    await write(line, "w\n");
    line.device.say("next\n");
    expect(line.heard.join("")).toBe("held\nnext\n");
    expect(line.device.written).toEqual(["w\n"]);
    expect(line.clock.pending).toBe(0);
  });
});

describe("a lying device", () => {
  const told = (faults: string) => {
    const line = faultyLine(`seed=2; ${faults}`);
    void write(line, ask(1) + ask(2));
    line.device.say(answer(1, "a"));
    line.device.say(answer(2, "b"));
    return framesOf(line.heard.join(""));
  };

  it("forges a digest behind a right checksum", () => {
    const [first, second] = told("forge@read times=1");
    expect(first?.args[1]).not.toBe(digest("a"));
    expect(second?.args[1]).toBe(digest("b"));
  });

  it("exchanges two answers", () => {
    const frames = told("swap-answers@read times=1");
    expect(new Map(frames.map(({ seq, args }) => [seq, args[1]]))).toEqual(
      new Map([
        [1, digest("b")],
        [2, digest("a")],
      ]),
    );
  });

  it("gives an earlier answer again", () => {
    expect(told("stale-answer@read").map(({ seq, args }) => [seq, args[1]])).toEqual([
      [1, digest("a")],
      [2, digest("a")],
    ]);
  });

  it("answers for another boot, or with a word too many", () => {
    expect(told("other-boot@read times=1")[0]?.args[0]).not.toBe(BOOT);
    expect(told("extra-word@read times=1")[0]?.args).toHaveLength(3);
  });

  it("forges a miner's share, and leaves all else of it alone", async () => {
    const share =
      '{"id":7,"method":"mining.submit","params":["lv06","0a","00000000","6a1f3c00","1b2c3d4e","00002000"]}\n';
    const line = faultyLine("forge@read verb=mining.submit");
    line.device.say('{"id":6,"method":"mining.ping","params":[]}\n');
    line.device.say(share);
    const [ping, forged = ""] = line.heard;
    expect(ping).toContain("mining.ping");
    expect(forged).not.toBe(share);
    expect(JSON.parse(forged).params.slice(0, 5)).toEqual(JSON.parse(share).params.slice(0, 5));
  });
});

describe("another rate", () => {
  it("makes other bytes of what was sent, and the same ones at the same rate", () => {
    const sent = Buffer.from(answer(1, "a"), "latin1");
    expect(garble(sent, 115_200, 115_200)).toEqual(sent);
    for (const [from, to] of [
      [115_200, 921_600],
      [921_600, 115_200],
      [115_200, 460_800],
    ] as const) {
      const heard = garble(sent, from, to);
      expect(framesOf(heard.toString("latin1"))).toEqual([]);
      expect(heard.length).toBeGreaterThan(0);
    }
    expect(garble(sent, 115_200, 921_600).length).toBeGreaterThan(sent.length);
    expect(garble(sent, 921_600, 115_200).length).toBeLessThan(sent.length);
  });
});
