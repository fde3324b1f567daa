import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeEach, describe, expect, test } from "vitest";
import { codedErrors } from "../base/error.ts";
import { CommandChannel, type CommandChannelOptions } from "./command-channel.ts";
import { type Command, NO_ANSWER, payloadMaxOf, type ReplyData } from "./commands.ts";
import type { Arrived, Outgoing } from "./connection.ts";
import { readMessage } from "./envelope.ts";
import { schemaText } from "./schemas.ts";
import { until } from "./testing/client.ts";
import * as samples from "./testing/samples.ts";

class TestError extends codedErrors({ TEST_NOT_YET: "Ask again later." }) {}

const NOW_MS = 1_790_000_000_000;
const ASK = { id: "ask-1", resultId: "some-result" };
const PREFIX = "lv06/v1/clinic/box-1";

let nowMs: number;
let sent: Outgoing[];
let asked: Command<"receipt">[];
let counted: string[];
let refused: [code: string, times: number][];
/** Every word that goes into the log. */
let told: string[];

beforeEach(() => {
  nowMs = 0;
  sent = [];
  asked = [];
  counted = [];
  refused = [];
  told = [];
});

function makeChannel(changes: Partial<CommandChannelOptions> = {}): CommandChannel {
  let id = 0;
  return new CommandChannel({
    identity: samples.IDENTITY,
    handlers: {
      ...samples.handlers,
      receipt: (command) => {
        asked.push(command);
        return { receipt: samples.receipt };
      },
    },
    publish: async (message) => void sent.push(message),
    count: (code) => void counted.push(code),
    refused: (code, message, times) => {
      refused.push([code, times]);
      told.push(message);
    },
    utcMs: () => NOW_MS,
    monotonicMs: () => nowMs,
    newId: () => `id-${++id}`,
    ...changes,
  });
}

function arrived(payload: unknown, changes: Partial<Arrived> = {}): Arrived {
  const text = typeof payload === "string" ? payload : JSON.stringify(payload);
  return {
    topic: `${PREFIX}/cmd/receipt`,
    payload: Buffer.from(text),
    retained: false,
    qos: 1,
    contentType: undefined,
    expiryS: undefined,
    responseTopic: undefined,
    correlationData: undefined,
    ...changes,
  };
}

function replies(): ReplyData[] {
  return sent.map(({ payload }) => {
    const message = readMessage(payload);
    if (message.kind !== "reply") throw new Error(`a ${message.kind}`);
    return message.data;
  });
}

async function replyTo(payload: unknown, changes: Partial<Arrived> = {}, channel = makeChannel()): Promise<ReplyData> {
  const before = sent.length;
  channel.take(arrived(payload, changes));
  await until(() => sent.length > before);
  const reply = replies().at(-1);
  if (reply === undefined) throw new Error("no reply");
  return reply;
}

/** Resolves when everything that a command sets off has happened. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 10));

describe("a command", () => {
  test("is carried out, and the reply goes to the topic with its id, not retained", async () => {
    expect(await replyTo(ASK)).toEqual({
      id: "ask-1",
      command: "receipt",
      ok: true,
      code: null,
      message: null,
      ...NO_ANSWER,
      receipt: samples.receipt,
      intendedUse: "research-only",
    });
    expect(asked).toEqual([ASK]);
    expect(sent[0]).toMatchObject({ topic: `${PREFIX}/reply/ask-1`, qos: 1, retain: false });
    expect(counted).toEqual([]);
  });

  test("that fails is replied to with the error's code, what happened and what to do", async () => {
    const receipt = () => Promise.reject(new TestError("TEST_NOT_YET", "it waits"));
    const reply = await replyTo(ASK, {}, makeChannel({ handlers: { ...samples.handlers, receipt } }));
    expect(reply).toMatchObject({
      ok: false,
      code: "TEST_NOT_YET",
      message: "it waits. Ask again later.",
      receipt: null,
    });
    expect(counted).toEqual(["TEST_NOT_YET"]);
  });

  test("whose handler throws something else is replied to as a defect", async () => {
    const receipt = () => {
      throw new Error("boom");
    };
    const reply = await replyTo(ASK, {}, makeChannel({ handlers: { ...samples.handlers, receipt } }));
    expect(reply).toMatchObject({ ok: false, code: "INTERNAL", message: "boom" });
  });

  test("whose handler gives what fits no reply is replied to as a defect", async () => {
    const receipt = () => ({ receipt: { ...samples.receipt, commitment: "none" } });
    const reply = await replyTo(ASK, {}, makeChannel({ handlers: { ...samples.handlers, receipt } }));
    expect(reply).toMatchObject({ ok: false, code: "MQTT_MESSAGE", receipt: null });
  });

  test("that takes too long is replied to at the deadline", async () => {
    const receipt = () => new Promise<never>(() => {});
    const reply = await replyTo(ASK, {}, makeChannel({ handlers: { ...samples.handlers, receipt }, deadlineMs: 20 }));
    expect(reply.code).toBe("COMMAND_DEADLINE");
  });

  test("that was too late is carried out again when it comes again", async () => {
    let late = true;
    const receipt = () => (late ? new Promise<never>(() => {}) : { receipt: samples.receipt });
    const channel = makeChannel({ handlers: { ...samples.handlers, receipt }, deadlineMs: 20 });
    expect(await replyTo(ASK, {}, channel)).toMatchObject({ code: "COMMAND_DEADLINE" });
    late = false;
    expect(await replyTo(ASK, {}, channel)).toMatchObject({ ok: true });
  });

  test("whose reply cannot be sent is counted, and nothing else happens", async () => {
    const publish = () => Promise.reject(new TestError("TEST_NOT_YET", "offline"));
    makeChannel({ publish }).take(arrived(ASK));
    await until(() => counted.length > 0);
    expect(counted).toEqual(["TEST_NOT_YET"]);
  });

  test("is replied to with what passes the published schema, refused or not", async () => {
    const validate = new Ajv2020({ strict: true }).compile(JSON.parse(schemaText("reply")));
    await replyTo(ASK);
    await replyTo({ id: "x" });
    for (const { payload } of sent) expect(validate(JSON.parse(String(payload)))).toBe(true);
  });
});

describe("a command that comes again", () => {
  test("with the same id is carried out once and has the same reply", async () => {
    const channel = makeChannel();
    await replyTo(ASK, {}, channel);
    await replyTo({ ...ASK, utcMs: NOW_MS }, {}, channel);
    expect(asked).toHaveLength(1);
    expect(sent[1]).toEqual(sent[0]);
  });

  test("while it is being carried out is carried out once all the same", async () => {
    let finish = (_: { readonly receipt: null }) => {};
    let started = 0;
    const receipt = () => {
      started += 1;
      return new Promise<{ readonly receipt: null }>((resolve) => {
        finish = resolve;
      });
    };
    const channel = makeChannel({ handlers: { ...samples.handlers, receipt } });
    channel.take(arrived(ASK));
    channel.take(arrived(ASK));
    await until(() => started > 0);
    finish({ receipt: null });
    await until(() => sent.length === 2);
    expect(started).toBe(1);
  });

  test("with the same id and another question is refused", async () => {
    const channel = makeChannel();
    await replyTo(ASK, {}, channel);
    expect((await replyTo({ ...ASK, resultId: "other" }, {}, channel)).code).toBe("COMMAND_ID_REUSED");
    expect(asked).toHaveLength(1);
  });

  test("whose reply is long is carried out again: the memory is for short ones", async () => {
    let times = 0;
    const errors = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`SOME_LONG_CODE_${index}`, 1]));
    const health = () => {
      times += 1;
      return { health: { ...samples.health, errors } };
    };
    const channel = makeChannel({ handlers: { ...samples.handlers, health } });
    const topic = `${PREFIX}/cmd/health`;
    for (let i = 0; i < 2; i++) expect(await replyTo({ id: "ask-1" }, { topic }, channel)).toMatchObject({ ok: true });
    expect(times).toBe(2);
  });

  test("after 256 others is carried out again: the memory is bounded", async () => {
    const channel = makeChannel();
    for (let i = 0; i <= 256; i++) {
      nowMs += 1000;
      channel.take(arrived({ ...ASK, id: `ask-${i}` }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => sent.length === 257);
    nowMs += 1000;
    await replyTo({ ...ASK, id: "ask-1" }, {}, channel);
    expect(asked).toHaveLength(257);
    await replyTo({ ...ASK, id: "ask-0" }, {}, channel);
    expect(asked).toHaveLength(258);
  });

  test("after a refusal is judged anew", async () => {
    const channel = makeChannel();
    await replyTo({ ...ASK, utcMs: 1 }, {}, channel);
    expect(await replyTo(ASK, {}, channel)).toMatchObject({ ok: true });
  });
});

describe("what is not carried out", () => {
  const bad: readonly (readonly [string, unknown, Partial<Arrived>, string])[] = [
    ["an unknown command", ASK, { topic: `${PREFIX}/cmd/reboot` }, "COMMAND_UNKNOWN"],
    ["the name of an object's own", ASK, { topic: `${PREFIX}/cmd/constructor` }, "COMMAND_UNKNOWN"],
    ["a retained command", ASK, { retained: true }, "COMMAND_RETAINED"],
    ["a missing name", { id: "ask-1" }, {}, "COMMAND_FORM"],
    ["a name too many", { ...ASK, later: 1 }, {}, "COMMAND_FORM"],
    ["a result id that is none", { ...ASK, resultId: "a/b" }, {}, "COMMAND_FORM"],
    ["a time that is none", { ...ASK, utcMs: "now" }, {}, "COMMAND_FORM"],
    ["a command of 31 s ago", { ...ASK, utcMs: NOW_MS - 31_000 }, {}, "COMMAND_EXPIRED"],
    ["a command of the future", { ...ASK, utcMs: NOW_MS + 31_000 }, {}, "COMMAND_EXPIRED"],
    ["a time beyond all dates", { ...ASK, utcMs: Number.MAX_SAFE_INTEGER }, {}, "COMMAND_EXPIRED"],
  ];
  test.each(bad)("%s is refused by name", async (_, payload, changes, code) => {
    expect(await replyTo(payload, changes)).toMatchObject({ id: "ask-1", ok: false, code, receipt: null });
    expect(asked).toEqual([]);
    expect(counted).toEqual([code]);
  });

  test("a command of 29 s ago is carried out", async () => {
    expect(await replyTo({ ...ASK, utcMs: NOW_MS - 29_000 })).toMatchObject({ ok: true });
  });

  const nobody: readonly (readonly [string, unknown, Partial<Arrived>, string])[] = [
    ["no JSON", "receipt please", {}, "COMMAND_FORM"],
    ["nothing", "", {}, "COMMAND_FORM"],
    ["half a character", "", { payload: Buffer.from([0x22, 0xc3, 0x22]) }, "COMMAND_FORM"],
    ["a list", [ASK], {}, "COMMAND_FORM"],
    ["null", null, {}, "COMMAND_FORM"],
    ["60,000 brackets", "[".repeat(60_000), {}, "COMMAND_FORM"],
    ["no id", { resultId: "r" }, {}, "COMMAND_FORM"],
    ["an id with a wildcard", { ...ASK, id: "#" }, {}, "COMMAND_FORM"],
    ["an id with a level", { ...ASK, id: "a/b" }, {}, "COMMAND_FORM"],
    ["an id that is too long", { ...ASK, id: "a".repeat(65) }, {}, "COMMAND_FORM"],
    ["65,537 bytes", JSON.stringify(ASK).padEnd(65_537), {}, "COMMAND_TOO_LARGE"],
    ["a topic without a name", ASK, { topic: `${PREFIX}/cmd/` }, "COMMAND_TOPIC"],
    ["a topic with an odd name", ASK, { topic: `${PREFIX}/cmd/Receipt!` }, "COMMAND_TOPIC"],
    ["another appliance's topic", ASK, { topic: "lv06/v1/clinic/box-2/cmd/receipt" }, "COMMAND_TOPIC"],
  ];
  test.each(nobody)("%s has nobody to reply to: it is counted", async (_, payload, changes, code) => {
    makeChannel().take(arrived(payload, changes));
    await settled();
    expect(counted).toEqual([code]);
    expect(sent).toEqual([]);
    expect(asked).toEqual([]);
  });

  test("is told in the log without a word of the sender's: a name may stand anywhere", async () => {
    const NAME = "mueller-hans";
    const infer = { topic: `${PREFIX}/cmd/infer` };
    const wrong: readonly (readonly [unknown, Partial<Arrived>])[] = [
      [`${NAME} please`, {}],
      [`{"id": "a", "${NAME}": `, {}],
      [{ ...ASK, [NAME]: 1 }, {}],
      [{ ...ASK, id: `${NAME}!` }, {}],
      [{ ...ASK, resultId: `${NAME}!` }, {}],
      [{ id: "a", path: "/film", stated: { [NAME]: 4 } }, infer],
      [{ id: "a", path: "/film", mode: NAME }, infer],
      [ASK, { topic: `${PREFIX}/cmd/${NAME}` }],
      [ASK, { topic: `${PREFIX}/cmd/${NAME}!` }],
    ];
    for (const [payload, changes] of wrong) makeChannel().take(arrived(payload, changes));
    const channel = makeChannel();
    await replyTo({ ...ASK, id: NAME }, {}, channel);
    await replyTo({ id: NAME, resultId: "another" }, {}, channel);
    await settled();
    expect(told.length).toBe(wrong.length + 1);
    expect(told.filter((message) => message.toLowerCase().includes("mueller"))).toEqual([]);
    const messages = replies()
      .filter(({ id }) => id !== NAME)
      .map(({ message }) => message);
    expect(messages.join()).not.toContain("mueller");
    expect(messages).toContainEqual(expect.stringContaining("it may have id, utcMs, resultId"));
  });

  test("a command that may bring an image along may be larger, and no other", async () => {
    const channel = makeChannel({ maxBytes: (name) => payloadMaxOf(name, 3000) });
    const large = JSON.stringify(ASK).padEnd(65_537);
    channel.take(arrived(large));
    channel.take(arrived(large.padEnd(65_536 + 4001), { topic: `${PREFIX}/cmd/infer` }));
    expect(counted).toEqual(["COMMAND_TOO_LARGE", "COMMAND_TOO_LARGE"]);
    const asks = { id: "ask-2", image: "QUJD" };
    const topic = `${PREFIX}/cmd/infer`;
    expect(await replyTo(JSON.stringify(asks).padEnd(65_536 + 4000), { topic }, channel)).toMatchObject({ ok: true });
  });

  test("65,536 bytes are read", async () => {
    expect(await replyTo(JSON.stringify(ASK).padEnd(65_536))).toMatchObject({ ok: true });
  });

  test("is told at most once a minute a code, with how often it came", async () => {
    const channel = makeChannel();
    for (let i = 0; i < 5; i++) channel.take(arrived("no JSON"));
    channel.take(arrived(ASK, { topic: `${PREFIX}/cmd/` }));
    nowMs += 60_000;
    channel.take(arrived("no JSON"));
    expect(refused).toEqual([
      ["COMMAND_FORM", 1],
      ["COMMAND_TOPIC", 1],
      ["COMMAND_FORM", 5],
    ]);
  });
});

describe("a flood", () => {
  test("is carried out at the first rate, refused at the second, and beyond that not even read", async () => {
    const channel = makeChannel();
    for (let i = 0; i < 1000; i++) channel.take(arrived({ ...ASK, id: `ask-${i}` }));
    await until(() => sent.length === 30);
    await settled();
    expect(asked).toHaveLength(20);
    expect(replies().filter(({ code }) => code === "COMMAND_RATE")).toHaveLength(10);
    expect(counted).toHaveLength(980);
    nowMs += 1000;
    for (let i = 0; i < 1000; i++) channel.take(arrived({ ...ASK, id: `again-${i}` }));
    await until(() => sent.length === 45);
    expect(asked).toHaveLength(30);
  });

  test("of one slow command leaves room for the others", async () => {
    const resend = () => new Promise<never>(() => {});
    const channel = makeChannel({ handlers: { ...samples.handlers, resend } });
    const topic = `${PREFIX}/cmd/resend`;
    for (let i = 0; i < 5; i++) channel.take(arrived({ id: `ask-${i}`, from: 1 }, { topic }));
    await until(() => sent.length === 1);
    expect(replies()).toMatchObject([{ id: "ask-4", code: "COMMAND_BUSY" }]);
    expect(await replyTo({ ...ASK, id: "another" }, {}, channel)).toMatchObject({ ok: true });
  });

  test("of slow commands is refused at the limit, and taken again when they are done", async () => {
    const finish: (() => void)[] = [];
    const receipt = () =>
      new Promise<{ readonly receipt: null }>((resolve) => finish.push(() => resolve({ receipt: null })));
    const channel = makeChannel({ handlers: { ...samples.handlers, receipt } });
    for (let i = 0; i < 33; i++) {
      nowMs += 1000;
      channel.take(arrived({ ...ASK, id: `ask-${i}` }));
    }
    await until(() => sent.length === 1);
    expect(replies()).toMatchObject([{ id: "ask-32", code: "COMMAND_BUSY" }]);
    for (const one of finish) one();
    await until(() => sent.length === 33);
    channel.take(arrived({ ...ASK, id: "ask-33" }));
    await until(() => finish.length === 33);
  });
});

describe("the way back", () => {
  const correlationData = Buffer.from([1, 2, 3]);
  const way = async (changes: Partial<Arrived>) => {
    await replyTo(ASK, changes);
    const { topic, correlationData } = sent.at(-1) ?? {};
    return { topic, correlationData };
  };

  test("is the topic that an asker names below reply/, with what it gave along", async () => {
    const responseTopic = `${PREFIX}/reply/ward-3/tablet`;
    expect(await way({ responseTopic, correlationData })).toEqual({ topic: responseTopic, correlationData });
  });

  test.each([
    "home/door/unlock",
    `${PREFIX}/status`,
    `${PREFIX}/cmd/receipt`,
    `${PREFIX}/reply/../status`,
    "lv06/v1/clinic/box-2/reply/a",
  ])("is its own topic where the asker names %s", async (responseTopic) => {
    expect(await way({ responseTopic, correlationData })).toEqual({ topic: `${PREFIX}/reply/ask-1`, correlationData });
  });

  test("carries no more than 1,024 bytes for the asker", async () => {
    expect(await way({ correlationData: Buffer.alloc(1025) })).toEqual({
      topic: `${PREFIX}/reply/ask-1`,
      correlationData: undefined,
    });
  });
});
