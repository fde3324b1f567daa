/** One program asks, the other answers: over Mosquitto, and over the embedded broker. */
import mqtt from "mqtt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { codedErrors } from "../base/error.ts";
import { type Asking, ask } from "./ask.ts";
import { CommandChannel } from "./command-channel.ts";
import { type CommandHandlers, payloadMaxOf } from "./commands.ts";
import { EmbeddedBroker } from "./embedded-broker.ts";
import { makeClient, until } from "./testing/client.ts";
import { MOSQUITTO, Mosquitto, RUN_MOSQUITTO } from "./testing/mosquitto.ts";
import * as samples from "./testing/samples.ts";
import { commandTopicOf } from "./topics.ts";

class TestError extends codedErrors({ TEST_NOT_YET: "Ask again later." }) {}

const INFER_MAX_BYTES = 1_000_000;

interface Broker {
  readonly url: string;
  stop(): Promise<unknown>;
}

const brokers: readonly (readonly [name: string, start: () => Promise<Broker>, runs: boolean])[] = [
  ["the embedded broker", () => EmbeddedBroker.start({ port: 0 }), true],
  [MOSQUITTO, () => Mosquitto.start(), RUN_MOSQUITTO],
];

describe.each(brokers)("Over %s", (_, start, runs) => {
  let broker: Broker;
  /** Ends what a test starts, last first. */
  let endings: (() => unknown)[];

  beforeEach(async ({ skip }) => {
    endings = [];
    skip(!runs);
    broker = await start();
    endings.push(() => broker.stop());
  });
  afterEach(async () => {
    for (const end of endings.reverse()) await end();
  });

  async function answering(handlers: Partial<CommandHandlers> = {}): Promise<void> {
    const channel = new CommandChannel({
      identity: samples.IDENTITY,
      handlers: { ...samples.handlers, ...handlers },
      publish: (message) => client.answer(message),
      ...{ count: () => {}, refused: () => {}, utcMs: Date.now, monotonicMs: () => performance.now() },
      newId: () => crypto.randomUUID(),
      maxBytes: (name) => payloadMaxOf(name, INFER_MAX_BYTES),
    });
    const client = makeClient(broker.url, {
      listen: [{ filter: channel.filter, onMessage: channel.take.bind(channel) }],
      arrivingMaxBytes: payloadMaxOf("infer", INFER_MAX_BYTES) + 65_536,
    });
    endings.push(() => client.stop());
    client.start();
    await until(() => client.online);
  }

  const asking = (more: Partial<Asking> = {}): Asking => ({
    ...{ url: broker.url, identity: samples.IDENTITY, newId: () => crypto.randomUUID(), utcMs: Date.now },
    ...more,
  });

  test("who asks has the appliance's answer", async () => {
    await answering();
    expect(await ask(asking(), "resend", { from: 7 })).toMatchObject({ ok: true, resend: samples.answers.resend });
  });

  test("what the appliance refuses is refused here, in its words", async () => {
    await answering({ void: () => Promise.reject(new TestError("TEST_NOT_YET", "it waits")) });
    const asked = ask(asking(), "void", { resultId: "r-1", reason: "WRONG" });
    await expect(asked).rejects.toMatchObject({ code: "TEST_NOT_YET", message: "it waits. Ask again later." });
  });

  test("an answer that is none is an error by name", async () => {
    const liar = await mqtt.connectAsync(broker.url);
    endings.push(() => liar.endAsync(true));
    liar.on("message", (topic, payload) => {
      const { id } = JSON.parse(payload.toString());
      liar.publish(topic.replace("cmd/health", `reply/${id}`), "garbage", { qos: 1 });
    });
    await liar.subscribeAsync(commandTopicOf(samples.IDENTITY, "health"), { qos: 1 });
    await expect(ask(asking(), "health", {})).rejects.toMatchObject({ code: "MQTT_MESSAGE" });
  });

  test("an appliance that is not there answers nobody", async () => {
    const asked = ask(asking({ deadlineMs: 200 }), "health", {});
    await expect(asked).rejects.toMatchObject({ code: "MQTT_UNANSWERED" });
  });

  test("a clock that is far from the appliance's is told", async () => {
    await answering();
    const asked = ask(asking({ utcMs: () => Date.now() - 60_000 }), "health", {});
    await expect(asked).rejects.toMatchObject({ code: "COMMAND_EXPIRED" });
  });

  test("an image goes along, as large as is allowed", async () => {
    const lengths: number[] = [];
    await answering({
      infer: ({ image = "" }) => {
        lengths.push(image.length);
        return { infer: samples.result };
      },
    });
    const image = Buffer.alloc(INFER_MAX_BYTES).toString("base64");
    expect(await ask(asking(), "infer", { image })).toMatchObject({ ok: true, infer: samples.result });
    expect(lengths).toEqual([image.length]);
  });
});
