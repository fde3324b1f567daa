import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ResultStore } from "../store/results.ts";
import { sampleVault } from "../store/testing/vault.ts";
import type { MqttClient } from "./client.ts";
import { makeMessage, makeResultMessage, readMessage } from "./envelope.ts";
import { OutboxPublisher } from "./publisher.ts";
import { SCHEMA_FOLDER, schemaFileOf } from "./schemas.ts";
import { makeClient, until } from "./testing/client.ts";
import { MOSQUITTO, Mosquitto, RUN_MOSQUITTO } from "./testing/mosquitto.ts";
import { listenOutside, type Outside } from "./testing/outside.ts";
import { openPubackGate } from "./testing/puback-gate.ts";
import * as samples from "./testing/samples.ts";
import { openVersionGate } from "./testing/version-gate.ts";
import type { Kind } from "./topics.ts";

const ALL = "lv06/v1/clinic/box-1/#";
const TOPIC = "lv06/v1/clinic/box-1/result";
const RESULT = makeResultMessage(samples.IDENTITY, samples.result);
const CHILD = new URL("./testing/online-child.ts", import.meta.url).pathname;

describe.skipIf(!RUN_MOSQUITTO)(MOSQUITTO, () => {
  let broker: Mosquitto;
  let outside: Outside;
  let client: MqttClient;

  beforeEach(async () => {
    broker = await Mosquitto.start(["queue_qos0_messages true"]);
    outside = await listenOutside(broker.url, ALL, 5);
    client = makeClient(broker.url);
  });

  afterEach(async () => {
    await client.stop();
    await outside.end();
    await broker.stop();
  });

  const messages = () => outside.payloads.map(readMessage);
  const states = () => messages().flatMap(({ kind, data }) => (kind === "status" ? [data.state] : []));

  test("is spoken to in MQTT 5, with content type, payload format and expiry", async () => {
    client.start();
    await until(() => client.online);
    await client.publish(RESULT);
    await until(() => outside.topics.includes(TOPIC));
    expect(client.state.protocolVersion).toBe(5);
    expect(outside.packets.at(-1)?.properties).toMatchObject({
      contentType: "application/cloudevents+json",
      payloadFormatIndicator: true,
      messageExpiryInterval: 604_800,
    });
  });

  test("delivers messages of every kind that pass their published schemas", async () => {
    client.start();
    await until(() => client.online);
    await client.publish(RESULT);
    for (const event of Object.values(samples.events)) {
      await client.publish(makeMessage(samples.IDENTITY, "event", { id: event.kind, utcMs: 1 }, event));
    }
    await until(() => outside.payloads.length >= 7);
    const ajv = new Ajv2020({ strict: true });
    for (const [index, payload] of outside.payloads.entries()) {
      const kind = outside.topics[index]?.split("/").at(-1) as Kind;
      const schema = JSON.parse(readFileSync(new URL(schemaFileOf(kind), SCHEMA_FOLDER), "utf8"));
      expect(
        (ajv.getSchema(schema.$id) ?? ajv.compile(schema))(JSON.parse(payload.toString())) || ajv.errorsText(),
        kind,
      ).toBe(true);
    }
  });

  test("keeps the status for who comes late: stopped after a clean stop", async () => {
    client.start();
    await until(() => client.online);
    await client.stop();
    const late = await listenOutside(broker.url, ALL, 5);
    await until(() => late.topics.some((topic) => topic.endsWith("/status")));
    expect(late.payloads.map(readMessage).find(({ kind }) => kind === "status")?.data).toMatchObject({
      state: "stopped",
    });
    await late.end();
    expect(states()).toEqual(["online", "stopped"]);
  });

  test("publishes the last will, offline, when the appliance is killed", async () => {
    const child = spawn(process.execPath, [CHILD, broker.url], { stdio: "inherit" });
    try {
      await until(() => states().includes("online") || child.exitCode !== null);
    } finally {
      child.kill("SIGKILL");
    }
    await until(() => states().includes("offline") || child.exitCode !== null);
    expect(states()).toEqual(["online", "offline"]);
  });

  test("throws out an appliance when another comes with its name, which stays told", async () => {
    client.start();
    await until(() => client.online);
    const other = makeClient(broker.url);
    other.start();
    await until(() => client.state.takenOver && other.state.takenOver);
    await other.stop();
    await until(() => client.online);
    expect(client.state).toMatchObject({ lastErrorCode: null, takenOver: true });
  });

  test("refuses who gives no password, by name", async () => {
    const closed = await Mosquitto.configured(["listener PORT 127.0.0.1", "allow_anonymous false", "log_type none"]);
    const stranger = makeClient(closed.url);
    try {
      stranger.start();
      await until(() => stranger.state.state === "offline");
      expect(stranger.state.lastErrorCode).toBe("MQTT_AUTH");
    } finally {
      await stranger.stop();
      await closed.stop();
    }
  });

  test("hears the whole announcement again after every reconnect", async () => {
    client.start();
    await until(() => client.online);
    await broker.halt();
    await until(() => client.state.state === "offline");
    await broker.resume();
    await until(() => states().length >= 2 && messages().filter(({ kind }) => kind === "health").length >= 2);
    expect(messages().filter(({ kind }) => kind === "info").length).toBeGreaterThanOrEqual(2);
  });
});

describe.skipIf(!RUN_MOSQUITTO)(`The outbox over ${MOSQUITTO}`, () => {
  let folder: string;
  let store: ResultStore;
  /** Ends what a test starts, last first, also when it fails. */
  let endings: (() => Promise<void>)[];

  beforeEach(() => {
    endings = [];
    folder = mkdtempSync(join(tmpdir(), "outbox-"));
    store = new ResultStore({ path: join(folder, "results.db"), vault: sampleVault(1), utcMs: () => 0 });
  });

  afterEach(async () => {
    for (const end of endings.reverse()) await end();
    store.close();
    rmSync(folder, { recursive: true });
  });

  const numbered = (index: number) => ({ ...RESULT, messageId: String(index), payload: Buffer.from(String(index)) });
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
  const firstArrivals = (outside: Outside) => [
    ...new Set(outside.payloads.map((payload) => Number(payload.toString()))),
  ];

  test("loses nothing and keeps the order while the broker is restarted again and again", async () => {
    const broker = await Mosquitto.start(["max_queued_messages 0"]);
    endings.push(() => broker.stop());
    const outside = await listenOutside(broker.url, TOPIC, 5);
    endings.push(outside.end);
    const client = makeClient(broker.url);
    const publisher = new OutboxPublisher({ store, client });
    endings.push(
      () => client.stop(),
      () => publisher.stop(),
    );
    client.start();
    publisher.start();
    const COUNT = 2500;
    const writing = (async () => {
      for (const index of upTo(COUNT)) await store.enqueue([numbered(index)]);
    })();
    for (let restart = 0; restart < 3; restart++) {
      const seen = outside.payloads.length;
      await until(() => outside.payloads.length > seen + 100);
      await broker.halt();
      await new Promise((resolve) => setTimeout(resolve, 50));
      await broker.resume();
    }
    await writing;
    await until(() => store.outbox.rows === 0 && firstArrivals(outside).length === COUNT);
    expect(firstArrivals(outside)).toEqual(upTo(COUNT));
    expect(client.state.connects).toBeGreaterThan(1);
  });

  test("keeps what the broker refuses, says so, and delivers it when the broker thinks better", async () => {
    const acl =
      "topic readwrite lv06/v1/clinic/box-1/status\ntopic readwrite lv06/v1/clinic/box-1/info\ntopic readwrite lv06/v1/clinic/box-1/health\n";
    const broker = await Mosquitto.start(["acl_file FOLDER/acl"], { acl });
    endings.push(() => broker.stop());
    const client = makeClient(broker.url);
    const publisher = new OutboxPublisher({ store, client, retryMs: 50 });
    endings.push(
      () => client.stop(),
      () => publisher.stop(),
    );
    await store.enqueue(upTo(3).map(numbered));
    client.start();
    publisher.start();
    await until(() => publisher.stats.lastErrorCode === "MQTT_FORBIDDEN");
    expect(store.outbox.rows).toBe(3);
    broker.allow(`${acl}topic readwrite lv06/v1/clinic/box-1/result\n`);
    await until(() => store.outbox.rows === 0);
  });

  /** Five messages, the third of 5,000 bytes. @returns what was set aside, with why, as it comes */
  async function publishWithLargeOne(url: string) {
    const client = makeClient(url, { announce: () => [] });
    const told: unknown[] = [];
    const publisher = new OutboxPublisher({
      ...{ store, client },
      onParked: ({ messageId }, why) => void told.push([messageId, why]),
    });
    endings.push(
      () => client.stop(),
      () => publisher.stop(),
    );
    await store.enqueue(upTo(2).map(numbered));
    await store.enqueue([{ ...numbered(2), payload: Buffer.alloc(5000, "2") }]);
    await store.enqueue([numbered(3), numbered(4)]);
    client.start();
    publisher.start();
    return { client, told };
  }

  test.each([
    ["max_packet_size 3000", "MQTT_TOO_LARGE"],
    // It is refused with a reason that MQTT 5 does not have, so it takes a second look at who is to blame.
    ["message_size_limit 3000", "MQTT_BLAMED"],
  ])("is not blocked by a message beyond %s: it is set aside, and told", async (limit, code) => {
    const broker = await Mosquitto.start([limit]);
    endings.push(() => broker.stop());
    const outside = await listenOutside(broker.url, TOPIC, 5);
    endings.push(outside.end);
    const { told } = await publishWithLargeOne(broker.url);
    await until(() => store.outbox.rows === 1 && firstArrivals(outside).length === 4);
    expect(firstArrivals(outside)).toEqual([0, 1, 3, 4]);
    expect(told).toEqual([["2", code]]);
  });

  test("is not blocked by a message at which the broker hangs up without a word", async () => {
    const broker = await Mosquitto.start(["max_packet_size 3000"]);
    endings.push(() => broker.stop());
    const outside = await listenOutside(broker.url, TOPIC, 4);
    endings.push(outside.end);
    // MQTT 3.1.1: the broker can neither state its limit nor refuse.
    const old = await openVersionGate(broker.port);
    endings.push(() => old.stop());
    const { client, told } = await publishWithLargeOne(old.url);
    await until(() => store.outbox.rows === 1 && firstArrivals(outside).length === 4);
    expect(client.state.protocolVersion).toBe(4);
    expect(firstArrivals(outside)).toEqual([0, 1, 3, 4]);
    expect(told).toEqual([["2", "MQTT_LOST"]]);
    expect(client.state.takenOver).toBe(false);
  });

  test("sets nothing aside while acknowledgements of larger messages stay out, and keeps the order", async () => {
    const broker = await Mosquitto.start(["max_queued_messages 0"]);
    endings.push(() => broker.stop());
    const outside = await listenOutside(broker.url, TOPIC, 5);
    endings.push(outside.end);
    const losses = { dropAboveBytes: 3000, dropped: 0 };
    const gate = await openPubackGate(broker.port, losses);
    endings.push(() => gate.stop());
    // Status is small enough to be acknowledged: every connection becomes an accepted one.
    const client = makeClient(gate.url, { announce: () => [], ackDeadlineMs: 100 });
    const told: string[] = [];
    const publisher = new OutboxPublisher({ store, client, onParked: (_, code) => void told.push(code) });
    endings.push(
      () => client.stop(),
      () => publisher.stop(),
    );
    const COUNT = 40;
    const payload = (index: number) => Buffer.from(String(index).padStart(3000));
    await store.enqueue(upTo(COUNT).map((index) => ({ ...numbered(index), payload: payload(index) })));
    client.start();
    publisher.start();
    await until(() => client.state.connects >= 8);
    expect(losses.dropped).toBeGreaterThan(0);
    expect(store.outbox.rows).toBe(COUNT);
    losses.dropAboveBytes = Number.POSITIVE_INFINITY;
    await until(() => store.outbox.rows === 0);
    expect(told).toEqual([]);
    expect(publisher.stats).toMatchObject({ published: COUNT, parked: 0, lastErrorCode: null });
    expect(firstArrivals(outside)).toEqual(upTo(COUNT));
    expect(client.state.takenOver).toBe(false);
  });
});
