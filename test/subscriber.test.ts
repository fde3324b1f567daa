/** examples/subscriber, alone and against a real Mosquitto that loses its memory. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import mqtt from "mqtt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { healSource, type ResendReply } from "../examples/subscriber/healing.ts";
import { type Message, Received } from "../examples/subscriber/received.ts";
import { Subscriber, type SubscriberOptions } from "../examples/subscriber/subscriber.ts";
import { resend } from "../host/appliance/commands/resend.ts";
import { Publishing } from "../host/appliance/publishing.ts";
import { Recorder } from "../host/appliance/recorder.ts";
import { ConfigSchema } from "../host/config/schema.ts";
import { makeMessage, makeResultMessage, makeSealMessage } from "../host/mqtt/envelope.ts";
import type { ResultData } from "../host/mqtt/messages.ts";
import { until } from "../host/mqtt/testing/client.ts";
import { coupled, openGate } from "../host/mqtt/testing/gate.ts";
import { MOSQUITTO, Mosquitto, RUN_MOSQUITTO } from "../host/mqtt/testing/mosquitto.ts";
import * as samples from "../host/mqtt/testing/samples.ts";
import { sourceOf } from "../host/mqtt/topics.ts";
import { ResultStore } from "../host/store/results.ts";
import type { OutboxMessage } from "../host/store/schema.ts";
import { sampleVault } from "../host/store/testing/vault.ts";

const MAIN = resolve(import.meta.dirname, "../examples/subscriber/main.ts");
const SOURCE = sourceOf(samples.IDENTITY);

let folder: string;
let store: Received;
/** Ends what a test starts, last first. */
let endings: (() => unknown)[];

beforeEach(() => {
  endings = [];
  folder = mkdtempSync(join(tmpdir(), "subscriber-"));
  store = new Received(join(folder, "received.db"));
});

afterEach(async () => {
  for (const end of endings.reverse()) await end();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const numbered = (sequence: number): OutboxMessage =>
  makeResultMessage(samples.IDENTITY, { ...samples.result, resultId: `r-${sequence}`, sequence });
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

const kept = (sequence: number): Message => ({
  ...{ source: SOURCE, id: `r-${sequence}`, kind: "result", sequence, sealedValue: null, previous: null, text: "{}" },
});
const sealed = (sealedValue: string, previous: string): Message => ({
  ...{ source: SOURCE, id: sealedValue, kind: "seal", sequence: null, sealedValue, previous, text: "{}" },
});

describe("what was received", () => {
  test("has its place once, also after the file was opened again", () => {
    expect([store.keep(kept(1)), store.keep(kept(1))]).toEqual([true, false]);
    const again = new Received(join(folder, "received.db"));
    expect(again.keep(kept(1))).toBe(false);
    expect(again.keep({ ...kept(1), source: "/lv06/v1/clinic/other" })).toBe(true);
    again.close();
  });

  test("shows what is missing in between, but not before the first", () => {
    for (const sequence of [7, 8, 12, 15]) store.keep(kept(sequence));
    expect(store.gaps(SOURCE)).toEqual([
      { first: 9, last: 11 },
      { first: 13, last: 14 },
    ]);
    store.keep(kept(10));
    store.giveUp(SOURCE, { first: 13, last: 14 }, "RESEND_PRUNED");
    expect(store.gaps(SOURCE)).toEqual([
      { first: 9, last: 9 },
      { first: 11, last: 11 },
    ]);
  });

  test("shows what is missing also once it looked whole, at both ends", () => {
    for (const sequence of [7, 8]) store.keep(kept(sequence));
    expect(store.gaps(SOURCE)).toEqual([]);
    for (const sequence of [4, 11]) store.keep(kept(sequence));
    const gaps = [
      { first: 5, last: 6 },
      { first: 9, last: 10 },
    ];
    expect([store.gaps(SOURCE), store.gaps(SOURCE)]).toEqual([gaps, gaps]);
    for (const sequence of [5, 6, 9, 10]) store.keep(kept(sequence));
    expect(store.gaps(SOURCE)).toEqual([]);
  });

  test("shows a seal that does not follow the one before", () => {
    for (const [value, previous] of [
      ["b", "a"],
      ["c", "b"],
    ] as const)
      store.keep(sealed(value, previous));
    expect(store.chainGaps(SOURCE)).toBe(0);
    store.keep(sealed("e", "d"));
    expect(store.chainGaps(SOURCE)).toBe(1);
    store.keep(sealed("d", "c"));
    expect(store.chainGaps(SOURCE)).toBe(0);
  });
});

describe("asking for what is missing", () => {
  const answered = (sent: number, next: number | null, firstAvailable = 1): ResendReply => ({
    ...{ ok: true, code: null, resend: { sent, next, firstAvailable } },
  });
  const refused = (code: string): ResendReply => ({ ok: false, code, resend: null });

  /** Asks until nothing is missing. @returns what was asked */
  async function asked(answer: (from: number, limit: number, times: number) => ResendReply | undefined) {
    const questions: [number, number][] = [];
    await healSource({
      ...{ store, source: SOURCE, askEveryMs: 1, signal: new AbortController().signal, note: () => {} },
      ask: async (from, limit) => answer(from, limit, questions.push([from, limit])),
    });
    return questions;
  }

  test("gaps one after the other, each until it has come", async () => {
    for (const sequence of [1, 3, 6]) store.keep(kept(sequence));
    const questions = await asked((from, limit, times) => {
      if (times === 1) return undefined;
      for (let sequence = from; sequence < from + limit; sequence++) store.keep(kept(sequence));
      return answered(limit, null);
    });
    expect(questions).toEqual([
      [2, 1],
      [2, 1],
      [4, 2],
    ]);
    expect(store.gone(SOURCE)).toEqual([]);
  });

  test("what the appliance has removed is given up, what it still has is asked for", async () => {
    for (const sequence of [1, 10]) store.keep(kept(sequence));
    await asked((from) => {
      if (from < 5) return answered(0, 5, 5);
      for (const sequence of [5, 6, 7, 8, 9]) store.keep(kept(sequence));
      return answered(5, null, 5);
    });
    expect(store.gone(SOURCE)).toEqual([{ first: 2, last: 4, why: "RESEND_PRUNED" }]);
  });

  test("a number that no result has is given up after three answers, a refusal is none", async () => {
    for (const sequence of [1, 3]) store.keep(kept(sequence));
    const questions = await asked((_, __, times) => (times < 3 ? refused("COMMAND_UNKNOWN") : answered(0, null)));
    expect(questions.length).toBe(5);
    expect(store.gone(SOURCE)).toEqual([{ first: 2, last: 2, why: "NEVER_CAME" }]);
  });

  test("what was sent and has not come yet is not given up, until it has had very long", async () => {
    for (const sequence of [1, 3]) store.keep(kept(sequence));
    await asked((from, _, times) => {
      if (times === 6) store.keep(kept(from));
      return answered(1, null);
    });
    expect(store.gone(SOURCE)).toEqual([]);
    store.keep(kept(5));
    expect((await asked(() => answered(1, null))).length).toBe(8);
    expect(store.gone(SOURCE)).toEqual([{ first: 4, last: 4, why: "NEVER_CAME" }]);
  });

  test("of a gap longer than one question, only what was asked for is given up", async () => {
    for (const sequence of [1, 2502]) store.keep(kept(sequence));
    await asked((from, limit) => {
      if (from === 2) return answered(0, from + limit);
      for (let sequence = from; sequence < from + limit; sequence++) store.keep(kept(sequence));
      return answered(limit, null);
    });
    expect(store.gone(SOURCE)).toEqual([{ first: 2, last: 1001, why: "NEVER_CAME" }]);
    expect(store.gaps(SOURCE)).toEqual([]);
    expect(store.sequences(SOURCE)).toHaveLength(1502);
  });

  test("after a loss of the session, what follows the last number, until the appliance has no more", async () => {
    for (const sequence of [1, 2]) store.keep(kept(sequence));
    store.doubt();
    const questions = await asked((from) => (from === 3 ? answered(1000, 1003) : answered(4, null)));
    expect(questions).toEqual([
      [3, 1000],
      [1003, 1000],
    ]);
    expect(store.doubted(SOURCE)).toBeUndefined();
  });
});

/** An appliance as a subscriber sees it. */
class Appliance {
  readonly published: OutboxMessage[] = [];
  readonly asked: { readonly from: number; readonly limit: number }[] = [];
  /** Whether it knows `cmd/resend`. */
  resends = true;
  readonly #client: mqtt.MqttClient;

  constructor(url: string) {
    this.#client = mqtt.connect(url, { protocolVersion: 5, reconnectPeriod: 50 });
    this.#client.on("error", () => {}).on("message", (_, payload) => this.#answer(JSON.parse(payload.toString())));
    this.#client.on("connect", () => this.#client.subscribe("lv06/v1/clinic/box-1/cmd/resend", { qos: 1 }));
    endings.push(() => this.#client.endAsync(true));
  }

  async publish(sequences: readonly number[]): Promise<void> {
    for (const sequence of sequences) {
      const message = numbered(sequence);
      this.published.push(message);
      await this.#send(message);
    }
  }

  async #send({ topic, payload }: OutboxMessage): Promise<void> {
    await this.#client.publishAsync(topic, Buffer.from(payload), { qos: 1 });
  }

  async #answer({ id, from, limit }: { id: string; from: number; limit: number }): Promise<void> {
    this.asked.push({ from, limit });
    if (!this.resends) return;
    const again = this.published.slice(from - 1, from - 1 + limit);
    for (const message of again) await this.#send(message);
    const next = from + limit <= this.published.length ? from + limit : null;
    const data = { id, ok: true, code: null, resend: { from, sent: again.length, next, firstAvailable: 1 } };
    await this.#client.publishAsync(`lv06/v1/clinic/box-1/reply/${id}`, JSON.stringify({ data }), { qos: 1 });
  }
}

/** The appliance's own store, recorder, outbox and commands; its results are samples. */
class RealAppliance {
  readonly store: ResultStore;
  readonly #recorder: Recorder;
  readonly #publishing: Publishing;

  constructor(url: string, folder: string) {
    this.store = new ResultStore({ path: join(folder, "results.db"), vault: sampleVault(1), utcMs: Date.now });
    const binder = { bind: () => expect.fail("nothing is bound here"), stored: () => {} };
    const outward = (reference: string) => `p1-${reference.length}`;
    const identity = samples.IDENTITY;
    this.#recorder = new Recorder({ store: this.store, identity, binder, outward });
    const leaving = (data: ResultData) => this.#recorder.leaving(data);
    const parts = { store: this.store, identity, leaving, count: () => {} };
    this.#publishing = new Publishing({
      ...{ config: { ...ConfigSchema.parse({}).mqtt, url }, identity, version: "1", store: this.store },
      handlers: { ...samples.handlers, resend: async (command) => ({ resend: await resend(parts, command) }) },
      status: (state) => makeMessage(identity, "status", { id: state, utcMs: 1 }, { ...samples.status, state }),
      announce: () => [],
      ...{ onChange: () => {}, parked: () => {}, commandRefused: () => {}, count: () => {} },
    });
    endings.push(
      () => this.store.close(),
      () => this.#publishing.stop(),
    );
  }

  start(): Promise<void> {
    return this.#publishing.start();
  }

  /** Resolves when the broker has acknowledged all of them. */
  async publish(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.#recorder.record((sequence) => ({ ...samples.result, resultId: `r-${sequence}`, sequence }));
    }
    await until(() => this.store.outbox.rows === 0);
  }
}

describe.skipIf(!RUN_MOSQUITTO)(`An appliance at ${MOSQUITTO}`, () => {
  let broker: Mosquitto;
  let appliance: RealAppliance;
  let notes: Readonly<Record<string, unknown>>[];

  beforeEach(async () => {
    notes = [];
    broker = await Mosquitto.start(["max_queued_messages 0"]);
    endings.push(() => broker.stop());
    appliance = new RealAppliance(broker.url, folder);
    await appliance.start();
  });

  async function subscribed(): Promise<Subscriber> {
    const before = notes.length;
    const made = new Subscriber({
      ...{ url: broker.url, name: "results", store, askEveryMs: 50, replyDeadlineMs: 2000 },
      onNote: (note) => void notes.push(note),
    });
    endings.push(() => made.stop());
    await until(() => notes.slice(before).some(({ what }) => what === "connected"));
    return made;
  }

  /** Results that the broker acknowledged and forgot, before the subscriber had them. */
  async function forgotten(count: number): Promise<void> {
    await appliance.publish(count);
    await broker.halt("SIGKILL");
    rmSync(join(broker.folder, "mosquitto.db"), { force: true });
    await broker.resume();
  }

  test("gives again what the broker forgot, as it was, and nothing twice", async () => {
    const first = await subscribed();
    await appliance.publish(3);
    await until(() => store.highest(SOURCE) === 3);
    await first.stop();
    await forgotten(70);
    await subscribed();
    await until(() => store.sequences(SOURCE).length === 73 && store.doubted(SOURCE) === undefined);
    expect(store.sequences(SOURCE)).toEqual(upTo(73));
    expect(store.gone(SOURCE)).toEqual([]);
    expect(JSON.parse(store.text(SOURCE, "result-r-4") ?? "")).toMatchObject({
      id: "result-r-4",
      data: { sequence: 4, reference: "p1-10", status: "preliminary", replaces: null },
    });
  });

  test("fills a gap between two results", async () => {
    const first = await subscribed();
    await appliance.publish(2);
    await until(() => store.highest(SOURCE) === 2);
    await first.stop();
    await forgotten(5);
    // As if it had never known of the loss: only the numbers show it.
    store.doubt = () => {};
    await subscribed();
    expect(store.sequences(SOURCE)).toEqual([1, 2]);
    await appliance.publish(1);
    await until(() => store.sequences(SOURCE).length === 8);
    expect(notes).toContainEqual({ what: "asked for a gap", source: SOURCE, first: 3, last: 7 });
    expect(store.gaps(SOURCE)).toEqual([]);
  });
});

describe.skipIf(!RUN_MOSQUITTO)(`With ${MOSQUITTO}`, () => {
  let broker: Mosquitto;
  let appliance: Appliance;
  let notes: Readonly<Record<string, unknown>>[];

  beforeEach(async () => {
    notes = [];
    broker = await Mosquitto.start(["max_queued_messages 0"]);
    endings.push(() => broker.stop());
    appliance = new Appliance(broker.url);
  });

  function subscriber(more: Partial<SubscriberOptions> = {}): Subscriber {
    const made = new Subscriber({
      ...{ url: broker.url, name: "results", store, askEveryMs: 50, replyDeadlineMs: 500 },
      onNote: (note) => void notes.push(note),
      ...more,
    });
    endings.push(() => made.stop());
    return made;
  }

  const told = (what: string) => notes.filter((note) => note.what === what);

  /** Everything it kept is gone, as with a new disk. */
  async function wiped(): Promise<void> {
    await broker.halt("SIGKILL");
    rmSync(join(broker.folder, "mosquitto.db"), { force: true });
    await broker.resume();
  }

  test("what is published while it is away comes later, and a redelivery is dropped", async () => {
    const first = subscriber();
    await until(() => told("connected").length === 1);
    await appliance.publish([1, 2]);
    await until(() => store.highest(SOURCE) === 2);
    await first.stop();
    await appliance.publish([3, 4]);
    const seen: string[] = [];
    subscriber({ onNew: ({ id }) => seen.push(id), askEveryMs: 60_000 });
    await appliance.publish([4, 5]);
    await until(() => store.highest(SOURCE) === 5);
    expect(store.sequences(SOURCE)).toEqual(upTo(5));
    expect(seen).toEqual(["result-r-3", "result-r-4", "result-r-5"]);
    await until(() => told("connected").length === 2);
    expect(told("connected")[1]).toMatchObject({ sessionPresent: true });
    expect(appliance.asked).toEqual([]);
  });

  test("killed again and again, it has every message in the end, once", { timeout: 180_000 }, async () => {
    const COUNT = 200;
    const path = join(folder, "received.db");
    const open = (): ChildProcess => {
      const child = spawn(process.execPath, [MAIN, "--url", broker.url, "--name", "results", "--store", path], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      child.stderr?.resume();
      child.stdout?.resume();
      return child;
    };
    const kill = async (child: ChildProcess) => {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    };
    let child = open();
    endings.push(() => kill(child));
    // The session begins with the first subscription: what is published before it, nobody keeps.
    const [line] = await once(child.stderr ?? child, "data");
    expect(String(line)).toContain("connected");
    const publishing = appliance.publish(upTo(COUNT));
    for (const share of [0.15, 0.3, 0.45, 0.6]) {
      await until(() => store.highest(SOURCE) >= COUNT * share);
      await kill(child);
      child = open();
    }
    await publishing;
    await until(() => store.highest(SOURCE) === COUNT && store.gaps(SOURCE).length === 0);
    expect(store.sequences(SOURCE)).toEqual(upTo(COUNT));
  });

  test("what a wiped broker forgot is asked for, also with nothing after it that would show the gap", async () => {
    const first = subscriber();
    await until(() => told("connected").length === 1);
    await appliance.publish([1, 2, 3]);
    await until(() => store.highest(SOURCE) === 3);
    await first.stop();
    await appliance.publish([4, 5, 6]);
    await wiped();
    subscriber();
    await until(() => store.highest(SOURCE) === 6);
    expect(store.sequences(SOURCE)).toEqual(upTo(6));
    expect(appliance.asked[0]).toEqual({ from: 4, limit: 1000 });
    await until(() => store.doubted(SOURCE) === undefined);
  });

  test("what a crashed broker forgot is asked for once nothing more comes, though it knows the session", async () => {
    const first = subscriber();
    await until(() => told("connected").length === 1);
    await appliance.publish([1, 2, 3]);
    await until(() => store.highest(SOURCE) === 3);
    await first.stop();
    // It saves what it has at a clean stop, and not before the next.
    await broker.halt();
    await broker.resume();
    await appliance.publish([4, 5, 6]);
    await broker.halt("SIGKILL");
    await broker.resume();
    subscriber();
    await until(() => store.highest(SOURCE) === 6);
    expect(told("connected").at(-1)).toMatchObject({ sessionPresent: true });
    expect(appliance.asked[0]).toEqual({ from: 4, limit: 1000 });
    await until(() => store.doubted(SOURCE) === undefined);
  });

  test("an appliance that does not answer is asked again; meanwhile the rest arrives and the gap is on record", async () => {
    appliance.resends = false;
    subscriber({ replyDeadlineMs: 50 });
    await until(() => told("connected").length === 1);
    await appliance.publish([1, 2]);
    appliance.published.push(...[3, 4].map(numbered));
    await appliance.publish([5]);
    await until(() => told("not resent").length >= 2);
    await appliance.publish([6]);
    await until(() => store.highest(SOURCE) === 6);
    expect(store.gaps(SOURCE)).toEqual([{ first: 3, last: 4 }]);
    appliance.resends = true;
    await until(() => store.gaps(SOURCE).length === 0);
    expect(store.sequences(SOURCE)).toEqual(upTo(6));
  });

  test("a connection that ends before the subscription is answered stops nobody: the next one asks again", async () => {
    let connections = 0;
    const gate = await openGate((client, keep) => {
      const first = ++connections === 1;
      const upstream = connect(broker.port, "127.0.0.1");
      keep(upstream);
      coupled(client, upstream);
      let packets = 0;
      client.on("data", (bytes) => {
        // CONNECT passes, SUBSCRIBE does not.
        if (first && ++packets === 2) client.destroy();
        else upstream.write(bytes);
      });
      upstream.on("data", (bytes) => client.write(bytes));
    });
    endings.push(() => gate.stop());
    const failures: unknown[] = [];
    subscriber({ url: gate.url, onFailed: (error) => void failures.push(error) });
    await until(() => told("connected").length === 1 || failures.length > 0);
    await appliance.publish([1]);
    await until(() => store.highest(SOURCE) === 1 || failures.length > 0);
    expect(failures).toEqual([]);
    expect(connections).toBe(2);
  });

  test("what cannot be kept is not acknowledged: it comes again", async () => {
    let failed: unknown;
    const first = subscriber({ onFailed: (error) => (failed = error) });
    await until(() => told("connected").length === 1);
    store.close();
    await appliance.publish([1]);
    await until(() => failed !== undefined);
    await first.stop();
    store = new Received(join(folder, "received.db"));
    subscriber();
    await until(() => store.highest(SOURCE) === 1);
  });

  test("seals and events are kept, what is no message of an appliance is passed over", async () => {
    subscriber();
    await until(() => told("connected").length === 1);
    const client = await mqtt.connectAsync(broker.url);
    endings.push(() => client.endAsync(true));
    const event = makeMessage(samples.IDENTITY, "event", { id: "e-1", utcMs: 1 }, samples.events.alarm);
    for (const { topic, payload } of [event, makeSealMessage(samples.IDENTITY, samples.seal)]) {
      await client.publishAsync(topic, Buffer.from(payload), { qos: 1 });
    }
    await client.publishAsync("lv06/v1/clinic/box-1/result", "garbage", { qos: 1 });
    await appliance.publish([1]);
    await until(() => store.highest(SOURCE) === 1);
    expect(told("not a message of an appliance")).toHaveLength(1);
    expect(store.keep({ ...kept(9), id: "e-1" })).toBe(false);
    expect(store.keep({ ...kept(9), id: `seal-${samples.seal.sealedValue}` })).toBe(false);
  });

  /** Publishes to a topic of box-1 whatever is said there. */
  async function saying(topic: string, message: unknown): Promise<void> {
    const client = await mqtt.connectAsync(broker.url);
    await client.publishAsync(`lv06/v1/clinic/box-1/${topic}`, JSON.stringify(message), { qos: 1 });
    await client.endAsync();
  }

  const OTHER = "/lv06/v1/clinic/box-2";

  test("who writes to one appliance's topics speaks for no other", async () => {
    subscriber();
    await until(() => told("connected").length === 1);
    for (const kind of ["result", "seal", "event"]) {
      await saying(kind, { source: OTHER, id: `f-${kind}`, data: { sequence: 1, sealedValue: "b", previous: "a" } });
    }
    await appliance.publish([1]);
    await until(() => store.highest(SOURCE) === 1);
    expect(told("not a message of an appliance")).toHaveLength(3);
    expect(store.sources()).toEqual([SOURCE]);
    for (const kind of ["result", "seal", "event"]) {
      expect(store.keep({ ...kept(1), source: OTHER, id: `f-${kind}` }), kind).toBe(true);
    }
  });

  test("numbers that no result can have are passed over, and stop nothing, also at the next start", async () => {
    const failures: unknown[] = [];
    const first = subscriber({ onFailed: (error) => void failures.push(error) });
    await until(() => told("connected").length === 1);
    const numbers = [1e300, 2 ** 60, Number.MAX_SAFE_INTEGER, 0, -1, 1.5, "7", null, undefined];
    for (const [index, sequence] of numbers.entries()) {
      await saying("result", { source: SOURCE, id: `n-${index}`, data: { sequence } });
    }
    for (const text of [null, 7, [], { source: SOURCE, id: "d", data: null }]) await saying("result", text);
    await appliance.publish([1]);
    await until(() => store.highest(SOURCE) === 1);
    await first.stop();
    subscriber({ onFailed: (error) => void failures.push(error) });
    await appliance.publish([2]);
    await until(() => store.highest(SOURCE) === 2);
    expect(store.sequences(SOURCE)).toEqual([1, 2]);
    expect(failures).toEqual([]);
  });

  test("a message that can never be stored is acknowledged and told; the next is kept", async () => {
    const failures: unknown[] = [];
    const refusing = Object.create(store) as Received;
    refusing.keep = (message) => {
      if (message.id !== "result-r-1") return store.keep(message);
      throw Object.assign(new Error("datatype mismatch"), { code: "ERR_SQLITE_ERROR", errcode: 20 });
    };
    for (const name of ["highest", "sources", "doubt", "gaps", "doubted"] as const) {
      Object.defineProperty(refusing, name, { value: store[name].bind(store) });
    }
    subscriber({ store: refusing, onFailed: (error) => void failures.push(error) });
    await until(() => told("connected").length === 1);
    await appliance.publish([1, 2]);
    await until(() => store.highest(SOURCE) === 2);
    expect(told("cannot be stored")).toMatchObject([{ source: SOURCE, id: "result-r-1", kind: "result" }]);
    expect(failures).toEqual([]);
  });

  test("answers of another appliance, or with numbers that are none, are no answers", async () => {
    appliance.resends = false;
    const failures: unknown[] = [];
    subscriber({ replyDeadlineMs: 300, onFailed: (error) => void failures.push(error) });
    await until(() => told("connected").length === 1);
    const liar = await mqtt.connectAsync(broker.url, { protocolVersion: 5 });
    endings.push(() => liar.endAsync(true));
    liar.on("message", (_, payload) => {
      const { id } = JSON.parse(payload.toString());
      const answer = (firstAvailable: number) =>
        JSON.stringify({ data: { id, ok: true, code: null, resend: { sent: 0, next: null, firstAvailable } } });
      liar.publish(`lv06/v1/clinic/box-2/reply/${id}`, answer(9), { qos: 1 });
      liar.publish(`lv06/v1/clinic/box-1/reply/${id}`, answer(1e300), { qos: 1 });
    });
    await liar.subscribeAsync("lv06/v1/clinic/box-1/cmd/resend", { qos: 1 });
    await appliance.publish([1, 3]);
    await until(() => told("not resent").length >= 2);
    expect(store.gone(SOURCE)).toEqual([]);
    expect(store.gaps(SOURCE)).toEqual([{ first: 2, last: 2 }]);
    expect(failures).toEqual([]);
  });
});
