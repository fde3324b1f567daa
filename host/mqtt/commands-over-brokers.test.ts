/** Commands over real brokers: Mosquitto in MQTT 5 and 3.1.1, and the embedded one. */
import { createServer } from "node:net";
import { Aedes } from "aedes";
import mqtt from "mqtt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MqttClient } from "./client.ts";
import { CommandChannel } from "./command-channel.ts";
import type { Command } from "./commands.ts";
import { EmbeddedBroker } from "./embedded-broker.ts";
import { makeMessage, readMessage } from "./envelope.ts";
import { makeClient, until } from "./testing/client.ts";
import { MOSQUITTO, Mosquitto, RUN_MOSQUITTO } from "./testing/mosquitto.ts";
import { listenOutside, type Outside } from "./testing/outside.ts";
import * as samples from "./testing/samples.ts";

const PREFIX = "lv06/v1/clinic/box-1";
const TOPIC = `${PREFIX}/cmd/receipt`;
const ASK = { id: "ask-1", resultId: "some-result" };

/** Ends what a test starts, last first. */
let endings: (() => unknown)[];
let asked: Command<"receipt">[];
let counted: string[];

beforeEach(() => {
  endings = [];
  asked = [];
  counted = [];
});

afterEach(async () => {
  for (const end of endings.reverse()) await end();
});

function appliance(url: string): MqttClient {
  const channel = new CommandChannel({
    identity: samples.IDENTITY,
    handlers: {
      ...samples.handlers,
      receipt: (command) => {
        asked.push(command);
        return { receipt: samples.receipt };
      },
    },
    publish: (message) => client.answer(message),
    count: (code) => void counted.push(code),
    refused: () => {},
    utcMs: Date.now,
    monotonicMs: () => performance.now(),
    newId: () => crypto.randomUUID(),
  });
  const listen = [{ filter: channel.filter, onMessage: channel.take.bind(channel) }];
  const client = makeClient(url, { listen });
  endings.push(() => client.stop());
  return client;
}

/** A client that shares no code with ours. */
async function asker(url: string, protocolVersion: 4 | 5): Promise<mqtt.MqttClient> {
  const client = await mqtt.connectAsync(url, { protocolVersion, reconnectPeriod: 0 });
  endings.push(() => client.endAsync(true));
  return client;
}

async function listen(url: string, protocolVersion: 4 | 5): Promise<Outside> {
  const outside = await listenOutside(url, `${PREFIX}/reply/#`, protocolVersion);
  endings.push(outside.end);
  return outside;
}

async function online(client: MqttClient): Promise<void> {
  client.start();
  await until(() => client.online);
}

const codes = ({ payloads }: Outside) =>
  payloads.map(readMessage).map(({ kind, data }) => (kind === "reply" ? data.code : kind));

describe.skipIf(!RUN_MOSQUITTO).each([5, 4] as const)(`${MOSQUITTO}, asked in version %s`, (version) => {
  let broker: Mosquitto;
  beforeEach(async () => {
    broker = await Mosquitto.start();
    endings.push(() => broker.stop());
  });

  test("brings a command and its reply, which is not kept for who comes late", async () => {
    const client = appliance(broker.url);
    await online(client);
    expect(client.state.listening).toBe(true);
    const replies = await listen(broker.url, version);
    await (await asker(broker.url, version)).publishAsync(TOPIC, JSON.stringify(ASK), { qos: 1 });
    await until(() => replies.payloads.length > 0);
    expect(replies.topics).toEqual([`${PREFIX}/reply/ask-1`]);
    expect(readMessage(replies.payloads[0] ?? Buffer.of()).data).toMatchObject({ ok: true, receipt: samples.receipt });
    const late = await listen(broker.url, version);
    await (await asker(broker.url, version)).publishAsync(`${PREFIX}/reply/marker`, "", { qos: 1 });
    await until(() => late.topics.length > 0);
    expect(late.topics).toEqual([`${PREFIX}/reply/marker`]);
  });

  test("keeps a retained command, which is not carried out at the next connect", async () => {
    const replies = await listen(broker.url, version);
    await (await asker(broker.url, version)).publishAsync(TOPIC, JSON.stringify(ASK), { qos: 1, retain: true });
    await online(appliance(broker.url));
    await until(() => replies.payloads.length > 0);
    expect(codes(replies)).toEqual(["COMMAND_RETAINED"]);
    expect(asked).toEqual([]);
  });

  test("comes back after a restart, and commands with it", async () => {
    const client = appliance(broker.url);
    await online(client);
    await broker.halt();
    await until(() => !client.online);
    await broker.resume();
    await until(() => client.online);
    const replies = await listen(broker.url, version);
    await (await asker(broker.url, version)).publishAsync(TOPIC, JSON.stringify(ASK), { qos: 1 });
    await until(() => replies.payloads.length > 0);
    expect(codes(replies)).toEqual([null]);
  });
});

describe.skipIf(!RUN_MOSQUITTO)(`${MOSQUITTO} in MQTT 5`, () => {
  let broker: Mosquitto;
  beforeEach(async () => {
    broker = await Mosquitto.start();
    endings.push(() => broker.stop());
  });

  test("brings the reply to the topic that was asked for, with what the asker gave along", async () => {
    await online(appliance(broker.url));
    const replies = await listen(broker.url, 5);
    const responseTopic = `${PREFIX}/reply/ward-3`;
    const correlationData = Buffer.from("mine");
    await (await asker(broker.url, 5)).publishAsync(TOPIC, JSON.stringify(ASK), {
      qos: 1,
      properties: { responseTopic, correlationData },
    });
    await until(() => replies.payloads.length > 0);
    expect(replies.topics).toEqual([responseTopic]);
    expect(replies.packets[0]?.properties).toMatchObject({ correlationData, messageExpiryInterval: 60 });
  });

  test("tells of a retained command also while it is connected: it is not carried out", async () => {
    await online(appliance(broker.url));
    const replies = await listen(broker.url, 5);
    await (await asker(broker.url, 5)).publishAsync(TOPIC, JSON.stringify(ASK), { qos: 1, retain: true });
    await until(() => replies.payloads.length > 0);
    expect(codes(replies)).toEqual(["COMMAND_RETAINED"]);
    expect(asked).toEqual([]);
  });

  test("keeps a monstrous message to itself, and the connection stands", async () => {
    const client = appliance(broker.url);
    await online(client);
    const replies = await listen(broker.url, 5);
    const outside = await asker(broker.url, 5);
    await outside.publishAsync(TOPIC, Buffer.alloc(5_000_000, "["), { qos: 1 });
    await outside.publishAsync(TOPIC, Buffer.alloc(100_000, "["), { qos: 1 });
    await outside.publishAsync(TOPIC, JSON.stringify(ASK), { qos: 1 });
    await until(() => replies.payloads.length > 0);
    expect(counted).toEqual(["COMMAND_TOO_LARGE"]);
    expect(client.state.connects).toBe(1);
  });
});

describe("the embedded broker", () => {
  let broker: EmbeddedBroker;
  beforeEach(async () => {
    broker = await EmbeddedBroker.start({ port: 0 });
    endings.push(() => broker.stop());
  });

  test("brings a command and its reply", async () => {
    await online(appliance(broker.url));
    const replies = await listen(broker.url, 4);
    await (await asker(broker.url, 4)).publishAsync(TOPIC, JSON.stringify(ASK), { qos: 1 });
    await until(() => replies.payloads.length > 0);
    expect(codes(replies)).toEqual([null]);
  });

  test("brings the reply to a command that is sent at the very word `online`", async () => {
    const replies = await listen(broker.url, 4);
    const outside = await asker(broker.url, 4);
    outside.on("message", () => outside.publish(TOPIC, JSON.stringify(ASK), { qos: 1 }));
    await outside.subscribeAsync(`${PREFIX}/status`, { qos: 1 });
    appliance(broker.url).start();
    await until(() => replies.payloads.length > 0);
    expect(codes(replies)).toEqual([null]);
  });
});

/** A broker with rules of its own. */
async function strictBroker(options: Partial<ConstructorParameters<typeof Aedes>[0]>): Promise<string> {
  const aedes = await Aedes.createBroker(options);
  const server = createServer(aedes.handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endings.push(
    () => new Promise((resolve) => aedes.close(() => resolve(undefined))),
    () => server.close(),
  );
  const address = server.address();
  return `mqtt://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

describe("a broker with rules of its own", () => {
  test("that lets nobody listen has an appliance that publishes all the same, and says so", async () => {
    const url = await strictBroker({ authorizeSubscribe: (_, __, done) => done(null, null) });
    const client = appliance(url);
    await online(client);
    expect(client.state).toMatchObject({ state: "online", listening: false, connects: 1 });
    await client.publish(makeMessage(samples.IDENTITY, "event", { id: "e", utcMs: 1 }, samples.events.alarm));
  });

  test("is listened to before the appliance says that it is online", async () => {
    const order: string[] = [];
    const url = await strictBroker({
      authorizeSubscribe: (_, subscription, done) => {
        order.push(subscription.topic);
        done(null, subscription);
      },
      authorizePublish: (_, { topic }, done) => {
        order.push(topic);
        done(null);
      },
    });
    await online(appliance(url));
    expect(order.slice(0, 2)).toEqual([`${PREFIX}/cmd/+`, `${PREFIX}/status`]);
  });
});
