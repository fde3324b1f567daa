/** The commands of UsbDevice on a device in this process, which loses, refuses and lies as a test wants. */
import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { sha256d } from "../../work/header.ts";
import { targetOfDifficulty } from "../../work/target.ts";
import type { WorkJob, WorkProgress } from "../device.ts";
import { sha256, verifyImage } from "../digest.ts";
import { encodeFrame, type Frame } from "../link/frame.ts";
import { planTasks } from "../session/commands/hash.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { type Behaviour, MemoryDevice } from "../testing/memory-device.ts";
import { SoftwareDevice } from "../testing/software-device.ts";
import { UsbDevice } from "./usb-device.ts";

const opened: UsbDevice[] = [];
afterEach(async () => {
  for (const device of opened.splice(0)) await device.close();
});

async function connect(prepare: (line: MemoryDevice) => void = () => {}, onLog: (text: string) => void = () => {}) {
  const clock = new FakeClock();
  const line = new MemoryDevice();
  prepare(line);
  const opening = UsbDevice.open(line, { clock, random: Math.random, onLog });
  await clock.advance(400);
  const device = await opening;
  opened.push(device);
  line.received.length = 0;
  const verbs = () =>
    line.received.map(({ verb, args }) => (verb === "IMAGE" || verb === "WORK" ? (args[0] ?? verb) : verb));
  /** Lets a call come to its end, whatever that is, within `ms`. */
  const run = async <T>(call: Promise<T>, ms = 20_000) => {
    const settled = call.then(
      (value) => ({ value, code: undefined, error: undefined }),
      (error: { code?: string }) => ({ value: undefined, code: error.code ?? String(error), error }),
    );
    await clock.advance(ms);
    return settled;
  };
  return { clock, line, device, verbs, run };
}

const once = (matches: (request: Frame) => boolean, instead: Behaviour): Behaviour => {
  let done = false;
  return (request, honest) => {
    if (done || !matches(request)) return [honest(request)];
    done = true;
    return instead(request, honest);
  };
};
const blocksOf = (count: number, size: number) => Array.from({ length: count }, () => randomBytes(size));

describe("hash", () => {
  it("answers blocks of many sizes in the order given, few lines for many blocks", async () => {
    const { device, run, verbs } = await connect();
    const blocks = [...blocksOf(100, 64), ...blocksOf(3, 1), ...blocksOf(1, 1024), ...blocksOf(50, 64)];
    expect((await run(device.hash(blocks))).value).toEqual(blocks.map(sha256));
    expect(verbs().length).toBeLessThan(12);
    expect(verbs()).toContain("BATCH");
  });

  it("asks block by block where there is no BATCH", async () => {
    const { device, run, verbs } = await connect((line) => {
      line.hello.caps = "hash";
    });
    const blocks = blocksOf(9, 64);
    expect((await run(device.hash(blocks))).value).toEqual(blocks.map(sha256));
    expect(new Set(verbs())).toEqual(new Set(["HASH"]));
  });

  it("uses BATCH for a block that no HASH line holds", () => {
    const hello = { capabilities: new Set(["hash", "batch"] as const), maxReplyBytes: 512 };
    expect(planTasks(blocksOf(1, 1024), hello, 1200)).toEqual([{ verb: "BATCH", blocks: [0] }]);
  });

  it("puts no more digests into a batch than its reply holds", () => {
    const hello = { capabilities: new Set(["hash", "batch"] as const), maxReplyBytes: 512 };
    expect(planTasks(blocksOf(31, 8), hello, 65_536).map(({ blocks }) => blocks.length)).toEqual([15, 15, 1]);
  });

  it("goes on from what is unanswered when lines are lost", async () => {
    const { device, line, run } = await connect();
    let seen = 0;
    line.behaviour = (request, honest) => (++seen % 3 === 0 ? [] : [honest(request)]);
    const blocks = blocksOf(300, 64);
    expect((await run(device.hash(blocks))).value).toEqual(blocks.map(sha256));
    expect(device.counters.retries).toBeGreaterThan(0);
  });

  it.each([
    ["too few digests", (reply: Frame) => ({ ...reply, payload: Buffer.alloc(32) })],
    ["no payload", ({ payload: _, ...reply }: Frame) => reply],
  ])("does not believe a batch with %s", async (_, lie) => {
    const { device, line, run } = await connect();
    line.behaviour = (request, honest) => [lie(honest(request))];
    expect((await run(device.hash(blocksOf(20, 64)))).code).toBe("DEVICE_REPLY");
  });

  it("stops when its caller gives up, and does not send the rest", async () => {
    const { clock, device, line, run } = await connect();
    line.behaviour = () => [];
    const giveUp = new AbortController();
    const call = device.hash(blocksOf(5000, 64), { signal: giveUp.signal });
    const settled = run(call, 100);
    giveUp.abort();
    expect((await settled).code).toBe("DEVICE_ABORTED");
    const sent = line.received.length;
    await clock.advance(10_000);
    expect(line.received.length).toBe(sent);
  });

  it("settles at once at its deadline", async () => {
    const { device, line, run } = await connect();
    line.behaviour = () => [];
    expect((await run(device.hash(blocksOf(500, 64), { deadlineMs: 300 }), 400)).code).toBe("DEVICE_DEADLINE");
  });
});

const film = {
  width: 64,
  height: 64,
  samples: Uint8Array.from({ length: 4096 }, (_, i) => (i % 64) + (i >> 6) + ((i * i) & 7)),
};
const question = { scales: [4, 8, 16], digestsOf: [8] };
const truth = await new SoftwareDevice().image(film, question);

describe("image", () => {
  it("has the roots and digests that the host computes", async () => {
    const { device, run, verbs } = await connect();
    const progress: number[] = [];
    const { value } = await run(device.image(film, question, { onProgress: ({ rows }) => progress.push(rows) }));
    expect(value).toEqual(truth);
    expect(progress.at(-1)).toBe(64);
    expect(verbs().slice(0, 2)).toEqual(["NEW", "ROWS"]);
  });

  it("is sent as it is when asked to", async () => {
    const { device, line, run } = await connect();
    expect((await run(device.image(film, { ...question, raw: true }))).value).toEqual(truth);
    expect(line.received.filter(({ args }) => args[0] === "ROWS").map(({ args }) => args[3])).toEqual(["raw", "raw"]);
  });

  it.each(["NEW", "ROWS", "ROOTS", "DIGESTS"])("arrives though a line of %s is lost", async (what) => {
    const { device, line, run } = await connect();
    line.behaviour = once(
      ({ args }) => args[0] === what,
      () => [],
    );
    expect((await run(device.image(film, question))).value).toEqual(truth);
  });

  it("arrives though the device forgets it in between", async () => {
    const { device, line, run } = await connect();
    line.behaviour = once(
      ({ args }) => args[0] === "DIGESTS",
      (request) => [{ seq: request.seq, verb: "ERR", args: [line.boot, "STATE", "gone"] }],
    );
    expect((await run(device.image(film, question))).value).toEqual(truth);
  });

  it("waits for the one before it, and has another id", async () => {
    const { device, line, run } = await connect();
    const both = Promise.all([device.image(film, question), device.image(film, { scales: [32] })]);
    expect((await run(both)).value?.[0]).toEqual(truth);
    const ids = line.received.map(({ args }) => args[1]);
    expect(ids.lastIndexOf(ids[0])).toBeLessThan(ids.indexOf(ids.at(-1)));
  });

  it("is refused where too many wait, and taken from the queue when given up", async () => {
    const { device, line, run } = await connect();
    line.behaviour = () => [];
    const giveUp = new AbortController();
    const calls = Array.from({ length: 18 }, () =>
      device
        .image(film, question, { signal: giveUp.signal, deadlineMs: 500 })
        .catch(({ code }: { code: string }) => code),
    );
    giveUp.abort();
    const { value = [] } = await run(Promise.all(calls), 2000);
    expect(value.filter((code) => code === "DEVICE_BUSY")).toHaveLength(1);
    expect(value.filter((code) => code === "DEVICE_ABORTED")).toHaveLength(17);
  });

  it.each([
    ["STATE and more STATE", ["STATE"], "DEVICE_DEADLINE"],
    ["a missing row that the image has not", ["MISSING", "64"], "DEVICE_REPLY"],
    ["a missing row that is none", ["MISSING", "soon"], "DEVICE_REPLY"],
    ["a refusal to inflate", ["PAYLOAD"], "DEVICE_REFUSED"],
  ])("fails by name after %s", async (_, words, code) => {
    const { device, line, run } = await connect();
    line.behaviour = ({ seq }) => [{ seq, verb: "ERR", args: [line.boot, ...words] }];
    expect((await run(device.image(film, question))).code).toBe(code);
  });

  it.each([
    ["no scale", { ...film }, { scales: [] }],
    ["five scales", { ...film }, { scales: [1, 2, 4, 8, 16] }],
    ["a scale that does not divide it", { ...film }, { scales: [7] }],
    ["a scale twice", { ...film }, { scales: [8, 8] }],
    ["digests of a scale not asked for", { ...film }, { scales: [8], digestsOf: [4] }],
    ["too few samples", { ...film, height: 128 }, { scales: [8] }],
  ])("is a mistake of the caller with %s", async (_, image, asked) => {
    const { device } = await connect();
    await expect(device.image(image, asked)).rejects.toThrow(RangeError);
  });

  it("is refused where the device has no room for it", async () => {
    const { device } = await connect((line) => {
      line.hello.maxImage = "4095";
    });
    await expect(device.image(film, question)).rejects.toMatchObject({ code: "DEVICE_LIMIT" });
  });

  it("that the device hashed wrongly is named by its scales", async () => {
    const { device, line, run } = await connect();
    line.behaviour = (request, honest) => {
      const reply = honest(request);
      return [{ ...reply, args: reply.args.map((word) => word.replace(/^8=(.)/, (_, c) => `8=${c === "0" ? 1 : 0}`)) }];
    };
    const own = new Map([...truth.roots].map(([scale, root]) => [scale, { root }]));
    const check = await run(verifyImage(device, film, { scales: [4, 8] }, own));
    expect(check.value).toMatchObject({ checked: 2, mismatches: [8] });
  });
});

const header = randomBytes(80);
const easy: WorkJob = { header, target: Buffer.alloc(32, 255), versionMask: 0x1fffe000, deadlineMs: 30_000 };
const state = (id: string, words: string) => [id, ...words.split(" ")];
const FOUND = "found elapsedMs=9 hashes=123 errors=1 nonce=7c2bac1d version=";
const version = header.readUInt32LE(0).toString(16).padStart(8, "0");

describe("work", () => {
  it("hears of a find by notice", async () => {
    const { clock, device, line, run } = await connect();
    const search = run(device.work(easy), 100);
    await clock.advance(50);
    const id = line.received[0]?.args[1] ?? "";
    line.say(encodeFrame({ seq: 0, verb: "WORK", args: [line.boot, ...state(id, FOUND + version)] }));
    const { value } = await search;
    expect(value).toEqual({
      kind: "found",
      elapsedMs: 9,
      hashes: 123n,
      errors: 1,
      nonce: 0x7c2bac1d,
      version: header.readUInt32LE(0),
    });
  });

  it("hears of a find by asking, when the notice was lost", async () => {
    const { clock, device, line, run, verbs } = await connect();
    const seen: WorkProgress[] = [];
    const search = run(device.work(easy, { onProgress: (progress) => seen.push(progress) }), 10_000);
    await clock.advance(3000);
    line.search = `${FOUND}${version}`.split(" ");
    expect((await search).value?.kind).toBe("found");
    expect(verbs()).toEqual(["START", "STATUS", "STATUS"]);
    expect(seen).toEqual(seen.map(() => ({ elapsedMs: 0, hashes: 0n, errors: 0 })));
  });

  it.each(["expired", "exhausted", "stopped", "failed"])("ends as %s", async (kind) => {
    const { device, line, run } = await connect();
    line.search = [kind, "elapsedMs=5", "hashes=7"];
    expect((await run(device.work(easy))).value).toEqual({ kind, elapsedMs: 5, hashes: 7n, errors: 0 });
  });

  it.each([
    ["misses the target", { ...easy, target: targetOfDifficulty(1) }, version],
    ["changed a bit outside the mask", easy, ((header.readUInt32LE(0) ^ 1) >>> 0).toString(16).padStart(8, "0")],
  ])("does not believe a nonce that %s", async (_, job, claimed) => {
    const { device, line, run } = await connect();
    line.search = `${FOUND}${claimed}`.split(" ");
    expect((await run(device.work(job))).code).toBe("DEVICE_WORK_FALSE");
  });

  it("believes a nonce by the double SHA-256 of the header that it makes", async () => {
    const copy = Buffer.from(header);
    copy.writeUInt32LE(0x7c2bac1d, 76);
    const exact = Buffer.from(sha256d(copy)).reverse();
    const { device, line, run } = await connect();
    line.search = `${FOUND}${version}`.split(" ");
    expect((await run(device.work({ ...easy, target: exact }))).value?.kind).toBe("found");
    const below = Buffer.from(exact);
    below.writeUInt8((below[31] ?? 1) - 1, 31);
    if (exact[31] !== 0) expect((await run(device.work({ ...easy, target: below }))).code).toBe("DEVICE_WORK_FALSE");
  });

  it("is stopped on the device when its caller gives up", async () => {
    const { clock, device, line, run, verbs } = await connect();
    const giveUp = new AbortController();
    const search = run(device.work(easy, { signal: giveUp.signal }), 3000);
    await clock.advance(20);
    line.search = ["stopped", "elapsedMs=20", "hashes=1"];
    giveUp.abort();
    expect((await search).value?.kind).toBe("stopped");
    expect(verbs()).toEqual(["START", "STOP"]);
  });

  it("never starts for a caller who has given up already", async () => {
    const { device, run, verbs } = await connect();
    expect((await run(device.work(easy, { signal: AbortSignal.abort() }))).value?.kind).toBe("stopped");
    expect(verbs()).toEqual([]);
  });

  it("is stopped when the device forgets its deadline", async () => {
    const { device, line, run, verbs } = await connect();
    line.behaviour = (request, honest) => {
      if (request.args[0] === "STOP") line.search = ["stopped", "elapsedMs=9000", "hashes=1"];
      return [honest(request)];
    };
    const { value } = await run(device.work({ ...easy, deadlineMs: 5000 }), 20_000);
    expect(value?.kind).toBe("stopped");
    expect(verbs().at(-1)).toBe("STOP");
  });

  it("is over when another host's search has taken its place", async () => {
    const { device, line, run } = await connect();
    line.behaviour = once(
      ({ args }) => args[0] === "STATUS",
      ({ seq }) => [{ seq, verb: "ERR", args: [line.boot, "STATE"] }],
    );
    expect((await run(device.work(easy))).value?.kind).toBe("stopped");
  });

  it("is one at a time", async () => {
    const { device } = await connect();
    const first = device.work(easy).catch(() => {});
    await expect(device.work(easy)).rejects.toMatchObject({ code: "DEVICE_BUSY" });
    await device.close();
    await first;
  });

  it("says that the ASIC is not free", async () => {
    const { device, line, run } = await connect();
    line.behaviour = ({ seq }) => [{ seq, verb: "ERR", args: [line.boot, "BUSY", "mining"] }];
    const { error } = await run(device.work(easy));
    expect(error).toMatchObject({ code: "DEVICE_REFUSED", refusal: { code: "BUSY", words: ["mining"] } });
  });

  it.each(["running", "dreaming elapsedMs=1 hashes=1", "running hashes=1", "running elapsedMs=-1 hashes=1", FOUND])(
    "does not believe a reply of %j",
    async (words) => {
      const { device, line, run } = await connect();
      line.search = words.split(" ");
      expect((await run(device.work(easy))).code).toBe("DEVICE_REPLY");
    },
  );
});

describe("work whose host gives up", () => {
  it.each([
    ["START is not answered", "START"],
    ["STATUS is not answered", "STATUS"],
  ])("is stopped on the device when %s", async (_, what) => {
    const { device, line, run, verbs } = await connect();
    line.behaviour = (request, honest) => (request.args[0] === what ? [] : [honest(request)]);
    expect((await run(device.work(easy))).code).toBe("DEVICE_DEADLINE");
    expect(verbs().at(-1)).toBe("STOP");
    expect(line.received.at(-1)?.args[1]).toBe(line.received[0]?.args[1]);
  });

  it("is stopped when what the device says of it makes no sense", async () => {
    const { device, line, run, verbs } = await connect();
    line.behaviour = once(
      ({ args }) => args[0] === "STATUS",
      ({ seq }) => [{ seq, verb: "OK", args: [line.boot, "nonsense"] }],
    );
    expect((await run(device.work(easy))).code).toBe("DEVICE_REPLY");
    expect(verbs()).toEqual(["START", "STATUS", "STOP"]);
  });

  it("is not stopped where it never began", async () => {
    const { device, line, run, verbs } = await connect();
    line.behaviour = ({ seq }) => [{ seq, verb: "ERR", args: [line.boot, "BUSY", "mining"] }];
    expect((await run(device.work(easy))).code).toBe("DEVICE_REFUSED");
    expect(verbs()).toEqual(["START"]);
  });
});

describe("a reply of another shape than its command's is not believed", () => {
  const image = { width: 8, height: 8, samples: new Uint8Array(64) };
  const calls: Readonly<Record<string, (device: UsbDevice) => Promise<unknown>>> = {
    PING: (device) => device.ping(),
    LOG: (device) => device.log(1),
    HEALTH: (device) => device.health(),
    RESET: (device) => device.reset(),
    HASH: (device) => device.hash([Buffer.from("abc")]),
    BATCH: (device) => device.hash(blocksOf(50, 64)),
    ATTEST: (device) => device.attest(randomBytes(32), randomBytes(32)),
    KEY: (device) => device.key(randomBytes(32)),
    WORK: (device) => device.work(easy),
    NEW: (device) => device.image(image, { scales: [8] }),
    ROWS: (device) => device.image(image, { scales: [8] }),
    ROOTS: (device) => device.image(image, { scales: [8] }),
    DIGESTS: (device) => device.image(image, { scales: [8], digestsOf: [8] }),
  };
  const named = ({ verb, args }: Frame) => (verb === "IMAGE" ? args[0] : verb);
  const withPayload = new Set(["BATCH", "DIGESTS"]);
  // HEALTH and WORK reply with as many pairs as the device knows.
  const open = new Set(["HEALTH", "WORK"]);

  it.each(Object.keys(calls))("%s", async (name) => {
    const spoils: ((reply: Frame) => Frame)[] = [
      ({ payload: old, ...reply }) => (withPayload.has(name) ? reply : { ...reply, payload: Buffer.from("xx") }),
      ...(open.has(name) ? [] : [(reply: Frame) => ({ ...reply, args: [...reply.args, "surplus"] })]),
    ];
    for (const spoil of spoils) {
      const { device, line, run } = await connect((each) => {
        if (name === "HASH") each.hello.caps = "hash";
      });
      line.behaviour = (request, honest) => {
        const reply = honest(request);
        return [named(request) === name ? spoil(reply) : reply];
      };
      expect((await run(calls[name]?.(device) ?? Promise.resolve())).code).toBe("DEVICE_REPLY");
    }
  });
});

describe("key and attest", () => {
  const SECRET = Buffer.from("5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2", "hex");
  const hex = SECRET.toString("hex");
  const secretly = (change: (reply: Frame) => Frame): Behaviour => {
    return (request, honest) => {
      if (request.verb !== "KEY") return [honest(request)];
      return [change({ seq: request.seq, verb: "OK", args: ["1a2b3c4d", hex] })];
    };
  };

  it("give 32 bytes, and the boot id that went into the signature", async () => {
    const { device, run } = await connect();
    const { value } = await run(device.attest(randomBytes(32), randomBytes(32)));
    expect(value?.bootId).toBe("1a2b3c4d");
    expect(value?.mac.length).toBe(32);
    expect((await run(device.key(randomBytes(32)))).value?.length).toBe(32);
  });

  it.each([
    ["words too many", (reply: Frame) => ({ ...reply, args: [...reply.args, hex] })],
    ["a digit too few", (reply: Frame) => ({ ...reply, args: ["1a2b3c4d", hex.slice(1)] })],
    ["capitals", (reply: Frame) => ({ ...reply, args: ["1a2b3c4d", hex.toUpperCase()] })],
    ["a payload", (reply: Frame) => ({ ...reply, args: ["1a2b3c4d"], payload: SECRET })],
  ])("a key with %s appears in no error", async (_, change) => {
    const { device, line, run } = await connect();
    line.behaviour = secretly(change);
    const { code, error } = await run(device.key(randomBytes(32)));
    expect(code).toBe("DEVICE_REPLY");
    expect(`${error} ${JSON.stringify(error)}`.toLowerCase()).not.toContain(hex.slice(0, 12));
  });

  it("a key appears in no refusal, nor in a log that it is strewn over", async () => {
    const heard: string[] = [];
    const { device, line, run } = await connect(
      () => {},
      (text) => heard.push(text),
    );
    line.behaviour = (request) => {
      for (let at = 0; at < hex.length; at += 5) line.say(`${hex.slice(at, at + 5)}\n`);
      return [{ seq: request.seq, verb: "ERR", args: [line.boot, "ARGS", hex] }];
    };
    const { code, error } = await run(device.key(randomBytes(32)));
    expect(code).toBe("DEVICE_REFUSED");
    const told = `${error} ${JSON.stringify(error)} ${heard}`;
    expect(told).toContain("ARGS");
    for (let at = 0; at + 5 <= hex.length; at++) expect(told).not.toContain(hex.slice(at, at + 5));
  });

  it("a key appears in no log, though its reply is damaged into one", async () => {
    const heard: string[] = [];
    const { device, line, run } = await connect(
      () => {},
      (text) => heard.push(text),
    );
    line.behaviour = () => {
      line.say(`OK 1a2b3c4d ${hex} 00000000\n~0001 OK 1a2b3c4d ${hex} 00000000\nI (1) fine\n`);
      return [];
    };
    expect((await run(device.key(randomBytes(32)))).code).toBe("DEVICE_DEADLINE");
    expect(heard).toContain("I (1) fine");
    expect(heard.join()).not.toContain(hex.slice(0, 12));
  });

  it("refuse arguments of another length", async () => {
    const { device } = await connect();
    await expect(device.attest(randomBytes(31), randomBytes(32))).rejects.toThrow(RangeError);
    await expect(device.key(randomBytes(33))).rejects.toThrow(RangeError);
  });
});

describe("the rest", () => {
  it("asks for nothing that the device does not announce", async () => {
    const { device, verbs } = await connect((line) => {
      line.hello.caps = "hash";
    });
    const calls = [
      device.image(film, question),
      device.work(easy),
      device.attest(randomBytes(32), randomBytes(32)),
      device.key(randomBytes(32)),
      device.health(),
      device.log(0),
      device.reset(),
      device.setRate(115_200),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: "DEVICE_UNSUPPORTED" });
    expect(verbs()).toEqual([]);
  });

  it("resets by the boot id, and takes the new boot for success where the reply was lost", async () => {
    const { device, line, run } = await connect();
    line.behaviour = () => {
      line.boot = "99999999";
      line.say(encodeFrame({ seq: 0, verb: "BOOT", args: [line.boot, "software"] }));
      return [];
    };
    expect((await run(device.reset())).code).toBeUndefined();
    expect(line.received[0]).toMatchObject({ verb: "RESET", args: ["1a2b3c4d"] });
  });

  it("resets before all that waits", async () => {
    const { clock, device, line, run, verbs } = await connect((each) => {
      each.credits = { lines: 1, bytes: 2304 };
    });
    line.behaviour = once(
      ({ args }) => args[0] === "NEW",
      () => [],
    );
    const waiting = device.image(film, { scales: [8], raw: true }).catch(() => {});
    await clock.advance(50);
    await run(device.reset(), 2000);
    expect(verbs()).toEqual(["NEW", "NEW", "RESET", "ROWS", "ROWS", "ROOTS"]);
    await waiting;
  });

  it("says so when the device does not reset", async () => {
    const { device, line, run } = await connect();
    line.behaviour = ({ seq }) => [{ seq, verb: "ERR", args: [line.boot, "BOOT"] }];
    expect((await run(device.reset())).code).toBe("DEVICE_REFUSED");
  });

  it("sets the log's level, one call after the other", async () => {
    const { device, line, run } = await connect();
    await run(Promise.all([device.log(3), device.log(0)]));
    expect(line.received.map(({ verb, args }) => `${verb} ${args}`)).toEqual(["LOG 3", "LOG 0"]);
    await expect(device.log(6)).rejects.toThrow(RangeError);
  });

  it("works on the smallest device there may be", async () => {
    const { device, line, run } = await connect((each) => {
      each.hello = { firmware: "tiny/1", device: "tiny", caps: "hash", maxLine: "512", maxBlock: "245" };
      each.credits = { lines: 1, bytes: 512 };
    });
    line.behaviour = (request, honest) =>
      request.verb === "HASH" ? [honest(request)] : [{ seq: request.seq, verb: "ERR", args: [line.boot, "VERB"] }];
    const blocks = blocksOf(20, 245);
    expect((await run(device.hash(blocks))).value).toEqual(blocks.map(sha256));
    expect((await run(device.ping())).code).toBeUndefined();
  });
});
