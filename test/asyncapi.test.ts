/** docs/asyncapi.yaml: valid as an AsyncAPI document, and true of what a real broker delivers. */
import { readFileSync } from "node:fs";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import mqtt from "mqtt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { HomeAssistant } from "../host/appliance/home-assistant.ts";
import type { MqttClient } from "../host/mqtt/client.ts";
import { CommandChannel } from "../host/mqtt/command-channel.ts";
import { COMMAND_NAMES } from "../host/mqtt/commands.ts";
import { KINDS, makeMessage, makeResultMessage, makeSealMessage } from "../host/mqtt/envelope.ts";
import { makeClient, until } from "../host/mqtt/testing/client.ts";
import { MOSQUITTO, Mosquitto, RUN_MOSQUITTO } from "../host/mqtt/testing/mosquitto.ts";
import * as samples from "../host/mqtt/testing/samples.ts";
import { commandTopicOf, topicOf } from "../host/mqtt/topics.ts";
import { asyncApiText } from "../scripts/asyncapi.ts";

interface Channel {
  readonly address: string;
  readonly messages: Readonly<Record<string, unknown>>;
}
interface Operation {
  readonly action: "send" | "receive";
  readonly channel: { readonly $ref: string };
  readonly bindings: {
    readonly mqtt: { readonly qos: number; readonly retain?: boolean; readonly messageExpiryInterval?: number };
  };
}
interface Document {
  readonly channels: Readonly<Record<string, Channel>>;
  readonly operations: Readonly<Record<string, Operation>>;
}

const text = readFileSync("docs/asyncapi.yaml", "utf8");
const document: Document = parse(text);

function validator(): Ajv {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  return ajv;
}

const specification = validator().compile(
  JSON.parse(readFileSync("node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json", "utf8")),
);

test("docs/asyncapi.yaml is what the tables say (make generate)", () => {
  expect(text).toBe(asyncApiText());
});

test("is a valid AsyncAPI 3 document, and would not be with a word wrong", () => {
  expect(specification(document) || specification.errors).toBe(true);
  expect(specification(parse(text.replace("action: send", "action: say")))).toBe(false);
  expect(specification(parse(text.replace("qos: 1", "qos: 7")))).toBe(false);
});

test("has a channel for every kind and every command", () => {
  const addresses = Object.values(document.channels).map(({ address }) => address);
  for (const kind of KINDS) expect(addresses.some((address) => address.split("/").includes(kind))).toBe(true);
  for (const name of COMMAND_NAMES) expect(addresses).toContain(`lv06/v1/{site}/{appliance}/cmd/${name}`);
});

/** The channels whose address a topic has. */
function channelsOf(topic: string): string[] {
  const pattern = (address: string) => new RegExp(`^${address.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
  return Object.entries(document.channels)
    .filter(([, { address }]) => pattern(address).test(topic))
    .map(([name]) => name);
}

function operationOn(channel: string, action: Operation["action"]): Operation | undefined {
  return Object.values(document.operations).find(
    (operation) => operation.action === action && operation.channel.$ref === `#/channels/${channel}`,
  );
}

const validators = validator().addSchema(document, "document");

function payloadOf(channel: string): ValidateFunction {
  const [message] = Object.keys(document.channels[channel]?.messages ?? {});
  const check = validators.getSchema(`document#/components/messages/${message}/payload`);
  if (check === undefined) throw new Error(`${channel} has no payload`);
  return check;
}

describe("what it would say of", () => {
  const event = JSON.parse(Buffer.from(makeResultMessage(samples.IDENTITY, samples.result).payload).toString());

  test("a result: the whole envelope and all its data", () => {
    const check = payloadOf("result");
    expect(check(event)).toBe(true);
    expect(check({ ...event, later: 1, data: { ...event.data, later: 1 } })).toBe(true);
    expect(check({ ...event, data: { ...event.data, probability: "0.9" } })).toBe(false);
    expect(check({ ...event, id: undefined })).toBe(false);
  });

  test("a topic that there is not: none; of another's prefix or a level more: none", () => {
    expect(channelsOf("lv06/v1/clinic/box-1/result")).toEqual(["result"]);
    for (const topic of [
      "lv06/v1/clinic/box-1/results",
      "lv06/v2/clinic/box-1/result",
      "lv06/v1/clinic/box-1/a/result",
    ]) {
      expect(channelsOf(topic)).toEqual([]);
    }
  });
});

describe.skipIf(!RUN_MOSQUITTO)(`What ${MOSQUITTO} delivered`, () => {
  let broker: Mosquitto;
  let outside: mqtt.MqttClient;
  let client: MqttClient;
  let packets: mqtt.IPublishPacket[];
  let homeAssistant: HomeAssistant;

  beforeEach(async () => {
    packets = [];
    broker = await Mosquitto.start();
    outside = await mqtt.connectAsync(broker.url, { protocolVersion: 5 });
    outside.on("message", (_, __, packet) => packets.push(packet));
    await outside.subscribeAsync("#", { qos: 1, rap: true });
    homeAssistant = new HomeAssistant({
      ...{ prefix: "homeassistant", identity: samples.IDENTITY, version: "1", healthIntervalS: 30 },
      ...{ publish: (message) => client.publish(message), random: () => 0, spreadMs: 0 },
    });
    client = appliance();
    client.start();
    await until(() => client.online);
  });

  afterEach(async () => {
    homeAssistant.stop();
    await client.stop();
    await outside.endAsync(true);
    await broker.stop();
  });

  /** Its commands are answered with samples. */
  function appliance(): MqttClient {
    const channel = new CommandChannel({
      identity: samples.IDENTITY,
      handlers: samples.handlers,
      publish: (message) => client.answer(message),
      count: () => {},
      refused: () => {},
      utcMs: Date.now,
      monotonicMs: () => performance.now(),
      newId: () => crypto.randomUUID(),
    });
    const commands = { filter: channel.filter, onMessage: channel.take.bind(channel) };
    const health = makeMessage(samples.IDENTITY, "health", { id: "h", utcMs: 1 }, samples.health);
    const info = makeMessage(samples.IDENTITY, "info", { id: "i", utcMs: 1 }, samples.info);
    return makeClient(broker.url, {
      announce: () => [info, health, homeAssistant.announcement],
      listen: [commands, homeAssistant.listening],
    });
  }

  const heard = (end: string) => packets.some(({ topic }) => topic.endsWith(end));

  /** Every kind of message, every event, every command and its reply. */
  async function everything(): Promise<void> {
    const { IDENTITY } = samples;
    for (const data of [samples.result, samples.notAssessed]) await client.publish(makeResultMessage(IDENTITY, data));
    await client.publish(makeSealMessage(IDENTITY, samples.seal));
    for (const event of Object.values(samples.events)) {
      await client.publish(makeMessage(IDENTITY, "event", { id: event.kind, utcMs: 1 }, event));
    }
    for (const name of COMMAND_NAMES) {
      const command = JSON.stringify({ id: `ask-${name}`, ...samples.commands[name] });
      await outside.publishAsync(commandTopicOf(IDENTITY, name), command, { qos: 1 });
      await until(() => heard(`/reply/ask-${name}`));
    }
    await outside.publishAsync("homeassistant/status", "online", { qos: 1 });
    await until(() => packets.filter(({ topic }) => topic.endsWith("/config")).length === 2);
    await client.stop();
    await until(() => packets.filter(({ topic }) => topic === topicOf(IDENTITY, "status")).length === 2);
  }

  test("is in the document: one channel each, by its schema, quality of service, retain flag and expiry", async () => {
    await everything();
    const seen = new Set<string>();
    for (const { topic, payload, qos, retain, properties } of packets) {
      const [name = "", ...others] = channelsOf(topic);
      expect([name, others], topic).toEqual([expect.any(String), []]);
      seen.add(name);
      const words = payload.toString();
      const check = payloadOf(name);
      expect(check(name === "homeAssistant" ? words : JSON.parse(words)) || check.errors, topic).toBe(true);
      const sent = operationOn(name, "send");
      const received = operationOn(name, "receive");
      expect(sent ?? received, topic).toBeDefined();
      const { mqtt: binding } = (sent ?? received)?.bindings ?? { mqtt: { qos: -1 } };
      expect([qos, retain], topic).toEqual([binding.qos, binding.retain ?? false]);
      if (sent === undefined) continue;
      // The broker takes off the seconds that it had the message.
      const [stated = Number.NaN, left = Number.NaN] = [
        binding.messageExpiryInterval,
        properties?.messageExpiryInterval,
      ];
      expect(Number.isNaN(left), topic).toBe(Number.isNaN(stated));
      if (!Number.isNaN(stated)) expect(stated - left, topic).toBeLessThan(30);
    }
    expect([...seen].toSorted()).toEqual(Object.keys(document.channels).toSorted());
  });
});
