import { describe, expect, test } from "vitest";
import { readShare } from "../../work/share.ts";
import { Batch } from "./batch.ts";
import { readNotify } from "./testing/fake-job.ts";
import { PROFILES, S9 } from "./testing/profiles.ts";
import { COMMITMENT, messages, Talk, writes } from "./testing/talk.ts";

const OTHER = Batch.of({ commitment: Buffer.alloc(32, 7), difficulty: 256, simulatedDifficulty: null });
const methods = (talk: Talk) => talk.told.map(({ method, id }) => method ?? id);

function orders<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, i) => orders(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}

describe("the opening", () => {
  test.each(PROFILES.map((profile) => [profile.name, profile] as const))("of %s is served", (_, profile) => {
    const talk = new Talk();
    for (const { id, method, params } of profile.opening("lv06")) talk.ask(id, method, ...params);
    const answers = talk.told.filter(({ method }) => method === undefined);
    expect(answers.map(({ id }) => id)).toEqual(profile.opening("lv06").map(({ id }) => id));
    for (const reply of answers) expect(reply.error).toBeNull();
    expect(talk.notices("mining.set_difficulty").map(({ params }) => params)).toEqual([[256]]);
    expect(talk.notices("mining.notify").length).toBe(1);
    expect(talk.conversation.versionMask).toBe(profile === S9 ? 0x00c00000 : 0x1fffe000);
  });

  test("is served in every order, with any ids, and ends in a difficulty and then a job with the right mask", () => {
    const asks = [
      ["mining.configure", ["version-rolling"], { "version-rolling.mask": "ffffffff" }],
      ["mining.subscribe", "bitaxe/BM1366"],
      ["mining.authorize", "lv06", "x"],
      ["mining.suggest_difficulty", 1000],
      ["mining.extranonce.subscribe"],
    ] as const;
    for (const [i, order] of orders(asks).entries()) {
      const talk = new Talk();
      for (const [j, [method, ...params]] of order.entries())
        talk.ask(j % 2 === 0 ? `${i}-${j}` : -j, method, ...params);
      talk.pass(1000);
      const told = methods(talk);
      expect(talk.told.filter(({ error }) => error !== undefined && error !== null)).toEqual([]);
      expect(told.indexOf("mining.set_difficulty")).toBe(told.indexOf("mining.notify") - 1);
      expect(talk.share(1, ["lv06", undefined, undefined, undefined, undefined, "1fffe000"]).at(-1)).toBeDefined();
      expect(talk.told.at(-1)?.error).toEqual([23, "Low difficulty share", null]);
    }
  });

  test("leaves in one write, in the order asked, job and all, below what a health probe reads", () => {
    const talk = new Talk();
    expect(talk.ask(1, "mining.subscribe", "bitaxe/BM1366/v2.15.0")).toEqual([]);
    expect(talk.conversation.holding).toBe(true);
    talk.nowMs += 30;
    talk.ask(2, "mining.authorize", "lv06", "x");
    expect(talk.writes.length).toBe(1);
    expect(methods(talk)).toEqual([1, 2, "mining.set_difficulty", "mining.notify"]);
    expect(Buffer.byteLength(talk.writes[0] ?? "")).toBeLessThanOrEqual(1023);
    expect(talk.conversation.holding).toBe(false);
  });

  test("answers a miner at once that waits for each answer", () => {
    const talk = new Talk();
    expect(writes(talk.ask(4, "mining.configure", ["version-rolling"], {})).length).toBe(1);
  });

  test("may repeat itself without any harm", () => {
    const talk = new Talk().open();
    const job = talk.jobId;
    talk.open();
    expect(talk.jobId).toBe(job);
    const [first, second] = talk.told.filter(({ id }) => id === 2);
    expect(second).toEqual(first);
  });
});

describe("a job", () => {
  test("keeps to what every known firmware can take", () => {
    const talk = new Talk().open();
    const line = writes(talk.outputs)
      .join("")
      .split("\n")
      .find((text) => text.includes('"mining.notify",'));
    expect(Buffer.byteLength(line ?? "")).toBeLessThan(700);
    const job = readNotify(talk.notices("mining.notify")[0]?.params ?? []);
    expect(job.branches.length).toBe(1);
    expect(job.version).toBe(0x20000000);
    expect(job.nbits).toBe("170355f0");
    expect(Number.parseInt(job.ntime, 16)).toBe(1_800_000_000);
    expect(job.coinb1).toContain(Buffer.from(COMMITMENT).toString("hex"));
    expect((job.coinb1.length + job.coinb2.length) / 2 + 8).toBeLessThan(250);
  });

  test("of a new batch goes out at once, clean, and makes the one before stale", () => {
    const talk = new Talk({}, {}).open("model");
    const before = talk.jobId;
    expect(messages(talk.assign(OTHER)).map(({ params }) => params?.[8])).toEqual([true]);
    talk.share(1, [undefined, before]);
    expect(talk.told.at(-1)?.error).toEqual([21, "Stale share", null]);
  });

  test("is not given to a miner that has not said who it is", () => {
    const talk = new Talk();
    talk.ask(1, "mining.subscribe");
    expect(talk.assign(OTHER)).toEqual([]);
    talk.ask(2, "mining.authorize", "lv06", "x");
    expect(readNotify(talk.notices("mining.notify")[0]?.params ?? []).coinb1).toContain("07".repeat(32));
  });

  test("is renewed every 30 s, not clean, with a new id and the present time, and the one before stays good", () => {
    const talk = new Talk().open("model");
    const before = talk.jobId;
    const beforeNtime = talk.notices("mining.notify")[0]?.params?.[7];
    expect(writes(talk.pass(29_000))).toEqual([]);
    const [renewed] = messages(talk.pass(1000));
    expect(renewed?.params?.[0]).not.toBe(before);
    expect(renewed?.params?.[7]).toBe((1_800_000_030).toString(16));
    expect(renewed?.params?.[8]).toBe(false);
    talk.share(1, [undefined, before, undefined, beforeNtime]);
    expect(talk.told.at(-1)).toMatchObject({ result: true });
  });

  test("with a new difficulty comes right after it, clean", () => {
    const talk = new Talk().open("model");
    for (let nonce = 0; nonce < 16; nonce++) {
      talk.nowMs += 10;
      talk.share(nonce);
    }
    expect(methods(talk).slice(-2)).toEqual(["mining.set_difficulty", "mining.notify"]);
    expect(talk.told.at(-1)?.params?.[8]).toBe(true);
    expect(talk.told.at(-2)?.params).toEqual([2 ** -28]);
  });

  test("follows a mask that was negotiated late", () => {
    const talk = new Talk();
    talk.ask(1, "mining.subscribe");
    talk.ask(2, "mining.authorize", "model", "x");
    talk.share(1, [undefined, undefined, undefined, undefined, undefined, "00002000"]);
    expect(talk.told.at(-1)?.error).toEqual([20, "Version bits outside the mask", null]);
    talk.ask(3, "mining.configure", ["version-rolling"], {});
    talk.share(2, [undefined, undefined, undefined, undefined, undefined, "00002000"]);
    expect(talk.told.at(-1)).toMatchObject({ result: true });
  });
});

describe("a share", () => {
  test("is accepted once and is then a duplicate", () => {
    const talk = new Talk().open("model");
    expect(talk.share(5).map(({ kind }) => kind)).toEqual(["accepted", "send"]);
    expect(talk.told.at(-1)).toEqual({ id: 105, result: true, error: null });
    expect(talk.share(5).map(({ kind }) => kind)).toEqual(["rejected", "send"]);
    expect(talk.told.at(-1)).toEqual({ id: 105, result: null, error: [22, "Duplicate share", null] });
  });

  const wrong: [number, string, readonly unknown[]][] = [
    [21, "Job not found", [undefined, "ffffffffffffffff"]],
    [20, "Extranonce2 is of the wrong length", [undefined, undefined, "0000000000"]],
    [20, "Malformed share", [undefined, undefined, "000"]],
    [20, "Malformed share", [undefined, undefined, undefined, "1"]],
    [20, "Malformed share", [undefined, undefined, undefined, undefined, 7]],
    [20, "Malformed share", [undefined, undefined, undefined, undefined, undefined, {}]],
    [20, "Time out of range", [undefined, undefined, undefined, "00000000"]],
    [20, "Time out of range", [undefined, undefined, undefined, (1_800_000_601).toString(16)]],
    [20, "Version bits outside the mask", [undefined, undefined, undefined, undefined, undefined, "20000000"]],
    [24, "Unauthorized worker", ["lv06"]],
  ];
  test.each(wrong)("is refused with %i %s", (code, text, change) => {
    const talk = new Talk().open("model");
    talk.share(5, change);
    expect(talk.told.at(-1)).toEqual({ id: 105, result: null, error: [code, text, null] });
  });

  test("may leave its version bits out", () => {
    const talk = new Talk().open("model");
    const [, , , , , , , ntime] = talk.notices("mining.notify")[0]?.params ?? [];
    talk.ask(9, "mining.submit", "model", talk.jobId, "00000000", ntime, "00000001");
    expect(talk.told.at(-1)).toMatchObject({ id: 9, result: true });
  });

  test("is refused before subscribing with 25, before authorising with 24", () => {
    const talk = new Talk();
    talk.ask(1, "mining.submit", "lv06", "1", "2", "3", "4");
    expect(talk.told.at(-1)?.error).toEqual([25, "Not subscribed", null]);
    talk.ask(2, "mining.subscribe");
    talk.ask(3, "mining.submit", "lv06", "1", "2", "3", "4");
    talk.pass(1000);
    expect(talk.told.at(-1)?.error).toEqual([24, "Unauthorized worker", null]);
  });

  test("that is accepted carries its work proof and how long it took", () => {
    const talk = new Talk().open("model");
    talk.nowMs += 700;
    const [output] = talk.share(5);
    if (output?.kind !== "accepted") throw new Error("not accepted");
    expect(output.share.waitedMs).toBe(700);
    expect(output.share.difficulty).toBe(2 ** -32);
    const [, , , , , , , ntime] = talk.notices("mining.notify")[0]?.params ?? [];
    const sent = { jobId: "1", extranonce2: "00000000", ntime: String(ntime), nonce: "00000005" };
    expect(output.share.verdict.proof.header.length).toBe(80);
    expect(Buffer.from(output.share.verdict.header).readUInt32LE(76)).toBe(readShare(sent)?.nonce);
  });
});

describe("anything else", () => {
  test("is answered harmlessly", () => {
    const talk = new Talk().open();
    talk.ask(7, "mining.ping");
    talk.ask(8, "client.get_version");
    talk.ask(9, "mining.suggest_target", "00ff");
    talk.ask(10, "mining.multi_version", 4);
    expect(talk.told.slice(-4)).toEqual([
      { id: 7, result: "pong", error: null },
      { id: 8, result: "lv06-edge-appliance", error: null },
      { id: 9, result: true, error: null },
      { id: 10, result: null, error: [20, "Unknown method", null] },
    ]);
    expect(talk.line('{"id":4,"result":"pong","error":null}')).toEqual([]);
  });

  test("that is no message is refused five times, then the connection ends", () => {
    const talk = new Talk().open();
    for (let i = 0; i < 5; i++) expect(messages(talk.line("garbage"))[0]?.error?.[0]).toBe(20);
    expect(talk.line("garbage").at(-1)).toEqual({ kind: "drop", reason: "malformed" });
    expect(talk.ask(1, "mining.ping")).toEqual([]);
  });

  test("in too great a number ends the connection", () => {
    const talk = new Talk({}, { linesPerS: 10, lineBurst: 20 });
    const outputs = Array.from({ length: 21 }, () => talk.ask(1, "mining.ping")).flat();
    expect(outputs.at(-1)).toEqual({ kind: "drop", reason: "rate" });
    const steady = new Talk({}, { linesPerS: 10, lineBurst: 20 });
    for (let i = 0; i < 100; i++) {
      steady.nowMs += 100;
      expect(messages(steady.ask(1, "mining.ping")).length).toBe(1);
    }
  });
});

describe("a worker", () => {
  test.each(["lv06.\ud800", "lv06.é", "lv06.\n", "lv06. ", `lv06.${"a".repeat(60)}`])(
    "under a name that could not stand in a seal is refused: %j",
    (name) => {
      const talk = new Talk();
      talk.ask(2, "mining.authorize", name, "x");
      expect(talk.told.find(({ id }) => id === 2)?.error).toEqual([24, "Unauthorized worker", null]);
      expect(talk.conversation.joined).toBe(false);
    },
  );

  test("who is not on the list is refused with 24, and dropped after some tries", () => {
    const talk = new Talk();
    talk.ask(1, "mining.subscribe");
    for (const name of ["stranger", "lv06x", 7]) talk.ask(2, "mining.authorize", name, "x");
    expect(talk.conversation.joined).toBe(false);
    expect(talk.ask(2, "mining.authorize", "", "x").at(-1)).toEqual({ kind: "drop", reason: "refused-worker" });
    expect(talk.notices("mining.notify")).toEqual([]);
    for (const { id, error } of talk.told) if (id === 2) expect(error).toEqual([24, "Unauthorized worker", null]);
  });

  test("may add a name for its machine, but not become another", () => {
    const talk = new Talk();
    talk.ask(1, "mining.subscribe");
    talk.ask(2, "mining.authorize", "lv06.kitchen", "x");
    expect(talk.conversation.joined).toBe(true);
    talk.ask(3, "mining.authorize", "model", "x");
    expect(talk.told.at(-1)?.error).toEqual([24, "Unauthorized worker", null]);
  });

  test("has a whole difficulty, unless it is simulated", () => {
    expect(new Talk().open("lv06").conversation.difficulty).toBe(256);
    expect(new Talk().open("model").conversation.difficulty).toBe(2 ** -32);
  });

  test("is told by its client's words, without what could harm a log", () => {
    const talk = new Talk();
    talk.ask(1, "mining.subscribe", `bitaxe\n\u001b[31m${"x".repeat(99)}`);
    talk.ask(2, "mining.authorize", "model", "x");
    const joined = talk.outputs.find(({ kind }) => kind === "joined");
    expect(joined).toMatchObject({ worker: { name: "model", simulated: true, client: `bitaxe[31m${"x".repeat(54)}` } });
  });

  test("who never comes is not waited for, one that falls silent is let go", () => {
    const stranger = new Talk();
    stranger.ask(1, "mining.subscribe");
    expect(stranger.pass(9000).filter(({ kind }) => kind === "drop")).toEqual([]);
    expect(stranger.pass(1000).at(-1)).toEqual({ kind: "drop", reason: "unauthorised" });
    const silent = new Talk().open();
    expect(silent.pass(599_000).filter(({ kind }) => kind === "drop")).toEqual([]);
    expect(silent.pass(1000).at(-1)).toEqual({ kind: "drop", reason: "idle" });
  });
});
