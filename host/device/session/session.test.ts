import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { DeviceError } from "../errors.ts";
import { encodeFrame, type Frame } from "../link/frame.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { type Behaviour, MemoryDevice } from "../testing/memory-device.ts";
import { Session } from "./session.ts";

const opened: Session[] = [];
afterEach(async () => {
  for (const session of opened.splice(0)) await session.close();
});

const call = (verb: string, ...args: string[]) => ({ verb, args });
const ask = async (session: Session, verb: string, ...args: string[]) => (await session.request({ verb, args })).args;
const options = (clock: FakeClock) => ({ clock, random: () => 0.25, queueMax: 1000 });

async function connect(device = new MemoryDevice()) {
  const clock = new FakeClock();
  const opening = Session.open(device, options(clock));
  await clock.advance(400);
  const session = await opening;
  opened.push(session);
  device.received.length = 0;
  return { clock, session, device };
}

/** Settles a promise that is expected to fail, without leaving it unhandled meanwhile. */
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ code: error instanceof DeviceError ? error.code : String(error) }),
  );

/** Applies `behaviour` to the first `times` requests, honesty to the rest. */
function firstly(times: number, behaviour: Behaviour): Behaviour {
  let seen = 0;
  return (request, honest) => (seen++ < times ? behaviour(request, honest) : [honest(request)]);
}

const answersOf = (device: MemoryDevice) => device.received.map(({ seq, verb }) => `${seq} ${verb}`);

describe("a write that fails", () => {
  it("ends the conversation and closes the port: it stays locked for the next one otherwise", async () => {
    const { clock, session, device } = await connect();
    let closed = 0;
    device.onClose(() => {
      closed += 1;
    });
    device.write = () => Promise.reject(new Error("EIO"));
    const asked = outcome(ask(session, "PING"));
    await clock.advance(10);
    expect(await asked).toEqual({ code: "DEVICE_CLOSED" });
    expect(closed).toBe(1);
  });
});

describe("handshake", () => {
  it("learns who the device is and what it allows", async () => {
    const { session } = await connect();
    expect(session.hello).toMatchObject({
      device: "memory",
      firmware: "memory/1",
      simulated: false,
      boot: "1a2b3c4d",
      maxLineBytes: 2304,
      credits: { lines: 8, bytes: 4096 },
    });
  });

  it("repeats HELLO while a device boots, and heeds no log meanwhile", async () => {
    const clock = new FakeClock();
    const device = new MemoryDevice(firstly(4, () => []));
    const opening = outcome(Session.open(device, options(clock)));
    device.say("ESP-ROM:esp32s3-20210327\nI (12) boot: hello\n~0001 OK garbage\n");
    await clock.advance(2700);
    expect(await opening).toHaveProperty("value");
    expect(device.received.filter(({ verb }) => verb === "HELLO")).toHaveLength(5);
  });

  it("gives up on a silent port after five seconds and tells what it heard", async () => {
    const clock = new FakeClock();
    const device = new MemoryDevice(() => []);
    const opening = Session.open(device, options(clock)).catch((error: unknown) => error);
    device.say("I (12) boot: hello\n");
    await clock.advance(5400);
    const error = await opening;
    expect(error).toMatchObject({ code: "DEVICE_NO_HELLO" });
    expect(String(error)).toContain("I (12) boot: hello");
    expect(device.closed).toBe(true);
  });

  it.each([
    ["a version it does not speak", (args: string[]) => args.map((word) => word.replace("proto=1", "proto=2"))],
    ["no limits", (args: string[]) => args.filter((word) => !word.startsWith("lines="))],
    ["absurd limits", (args: string[]) => args.map((word) => word.replace(/^maxLine=.*/, "maxLine=999999999"))],
  ])("refuses a device that answers HELLO with %s", async (_, change) => {
    const clock = new FakeClock();
    const device = new MemoryDevice((request, honest) => {
      const reply = honest(request);
      return [{ ...reply, args: change([...reply.args]) }];
    });
    const opening = outcome(Session.open(device, options(clock)));
    await clock.advance(6000);
    expect(await opening).toEqual({ code: "DEVICE_PROTOCOL" });
  });

  it("hears its own echo and does not take it for a device", async () => {
    const clock = new FakeClock();
    const device = new MemoryDevice((request) => [request]);
    const opening = outcome(Session.open(device, options(clock)));
    await clock.advance(5400);
    expect(await opening).toEqual({ code: "DEVICE_NO_HELLO" });
  });
});

describe("requests", () => {
  it("sends the same bytes again when a request or its reply is lost", async () => {
    const { clock, session, device } = await connect();
    device.behaviour = firstly(2, () => []);
    const reply = outcome(ask(session, "PING"));
    await clock.advance(2000);
    expect(await reply).toEqual({ value: [] });
    expect(new Set(answersOf(device)).size).toBe(1);
    expect(device.received).toHaveLength(3);
    expect(session.counters.retries).toBe(2);
  });

  it("gives up after one send and three repeats", async () => {
    const { clock, session, device } = await connect();
    device.behaviour = () => [];
    const reply = outcome(ask(session, "PING"));
    await clock.advance(9000);
    expect(await reply).toEqual({ code: "DEVICE_DEADLINE" });
    expect(device.received).toHaveLength(4);
  });

  it("fails at the caller's deadline, though repeats are left", async () => {
    const { clock, session, device } = await connect();
    device.behaviour = () => [];
    const reply = outcome(session.request({ ...call("PING"), deadlineMs: 200 }));
    await clock.advance(260);
    expect(await reply).toEqual({ code: "DEVICE_DEADLINE" });
  });

  it("takes replies in any order", async () => {
    const { clock, session, device } = await connect();
    const held: Frame[] = [];
    device.behaviour = (request, honest) => {
      held.push(honest(request));
      return held.length < 4 ? [] : held.reverse();
    };
    const blocks = ["00", "01", "02", "03"];
    const replies = Promise.all(blocks.map((block) => ask(session, "HASH", block)));
    await clock.advance(10);
    const expected = blocks.map((block) => device.honest({ seq: 1, verb: "HASH", args: [block] }).args.slice(1));
    expect(await replies).toEqual(expected);
  });

  it("counts a doubled reply and gives it to nobody", async () => {
    const { clock, session, device } = await connect();
    device.behaviour = firstly(1, (request, honest) => [honest(request), honest(request)]);
    const first = outcome(ask(session, "HASH", "00"));
    await clock.advance(10);
    expect(await first).toHaveProperty("value");
    const second = ask(session, "HASH", "01");
    await clock.advance(10);
    expect(await second).toEqual(device.honest({ seq: 1, verb: "HASH", args: ["01"] }).args.slice(1));
    expect(session.counters.strayReplies).toBe(1);
  });

  it("never gives a late reply to a later request with the same number", async () => {
    const { clock, session, device } = await connect();
    device.behaviour = () => [];
    const lost = outcome(session.request({ ...call("HASH", "00"), deadlineMs: 100 }));
    await clock.advance(200);
    expect(await lost).toEqual({ code: "DEVICE_DEADLINE" });
    const lateSeq = device.received[0]?.seq;
    device.behaviour = (request, honest) => [honest(request)];
    // Once around all numbers, in handfuls.
    for (let i = 0; i < 0x10000; i += 512) {
      const handful = Promise.all(Array.from({ length: 512 }, () => ask(session, "PING")));
      for (let turns = 0; turns < 70; turns++) await clock.advance(0);
      await handful;
    }
    expect(device.received.slice(1).map(({ seq }) => seq)).not.toContain(lateSeq);
    expect(device.received.map(({ seq }) => seq)).not.toContain(0);
  });

  it("names the device's refusal", async () => {
    const { clock, session } = await connect();
    const reply = ask(session, "DANCE").catch(String);
    await clock.advance(10);
    expect(await reply).toMatch(/DANCE was refused: VERB unknown.*DEVICE_REFUSED/);
  });

  it("never has more lines or bytes unanswered than the device allows", async () => {
    const device = new MemoryDevice();
    device.credits = { lines: 5, bytes: 600 };
    device.hello.maxLine = "512";
    const { clock, session } = await connect(device);
    device.behaviour = () => [];
    const replies = Promise.all(
      Array.from({ length: 20 }, () => outcome(session.request({ ...call("HASH", "00"), deadlineMs: 100 }))),
    );
    await clock.advance(1);
    expect(device.received).toHaveLength(5);
    await clock.advance(300);
    await replies;
    device.received.length = 0;
    const big = randomBytes(100).toString("hex");
    const more = Promise.all(
      Array.from({ length: 20 }, () => outcome(session.request({ ...call("HASH", big), deadlineMs: 100 }))),
    );
    await clock.advance(1);
    expect(device.received).toHaveLength(2);
    await clock.advance(300);
    await more;
  });

  it("refuses to queue without end", async () => {
    const { clock, session, device } = await connect();
    device.behaviour = () => [];
    const replies = Promise.all(
      Array.from({ length: 1009 }, () => outcome(session.request({ ...call("PING"), deadlineMs: 100 }))),
    );
    await clock.advance(300);
    const codes = (await replies).map((each) => ("code" in each ? each.code : "answered"));
    expect(codes.filter((code) => code === "DEVICE_BUSY")).toHaveLength(1);
  });

  it("refuses at once what no frame can carry, and serves what comes after it", async () => {
    const { clock, session } = await connect();
    await expect(session.request(call("HASH", "two words"))).rejects.toThrow(RangeError);
    const next = outcome(ask(session, "HASH", "616263"));
    await clock.advance(50);
    expect(await next).toHaveProperty("value");
  });

  it("refuses a line longer than the device reads", async () => {
    const { session } = await connect();
    expect(await outcome(ask(session, "HASH", "00".repeat(1200)))).toEqual({ code: "DEVICE_LIMIT" });
  });

  it("lets log lines between and inside the stream change nothing", async () => {
    const { clock, session, device } = await connect();
    device.behaviour = (request, honest) => {
      device.say("I (4711) wifi: beacon\n");
      return [honest(request)];
    };
    const reply = outcome(ask(session, "PING"));
    await clock.advance(10);
    expect(await reply).toEqual({ value: [] });
  });
});

describe("the end", () => {
  it("fails everything when the boot id changes, and hears no more", async () => {
    const { clock, session, device } = await connect();
    device.behaviour = () => [];
    const reasons: string[] = [];
    session.onGone((reason) => reasons.push(reason.code));
    const replies = Promise.all([1, 2, 3].map(() => outcome(ask(session, "PING"))));
    await clock.advance(10);
    device.say(encodeFrame({ seq: 0, verb: "BOOT", args: ["99999999", "brownout"] }));
    await clock.advance(1);
    expect(await replies).toEqual([1, 2, 3].map(() => ({ code: "DEVICE_BROWNOUT" })));
    expect(reasons).toEqual(["DEVICE_BROWNOUT"]);
    expect(device.closed).toBe(true);
    expect(await outcome(ask(session, "PING"))).toEqual({ code: "DEVICE_BROWNOUT" });
  });

  it("does not accept a reply from another boot as an answer", async () => {
    const { clock, session, device } = await connect();
    device.behaviour = (request, honest) => {
      device.boot = "0badb007";
      return [honest(request)];
    };
    const reply = outcome(ask(session, "PING"));
    await clock.advance(10);
    expect(await reply).toEqual({ code: "DEVICE_REBOOTED" });
  });

  it("fails what is waiting and what is under way when the device is unplugged", async () => {
    const { clock, session, device } = await connect();
    device.behaviour = () => [];
    const replies = Promise.all(Array.from({ length: 20 }, () => outcome(ask(session, "PING"))));
    await clock.advance(1);
    device.unplug();
    expect(await replies).toEqual(Array.from({ length: 20 }, () => ({ code: "DEVICE_CLOSED" })));
  });
});
