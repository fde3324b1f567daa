/** examples/mosquitto, the very files: only its paths and its port are others. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { MqttClient, MqttClientOptions } from "./client.ts";
import { makeResultMessage } from "./envelope.ts";
import { Certificates } from "./testing/certificates.ts";
import { makeClient, until } from "./testing/client.ts";
import { MOSQUITTO, Mosquitto, RUN_MOSQUITTO } from "./testing/mosquitto.ts";
import * as samples from "./testing/samples.ts";
import { commandTopicOf, replyTopicOf, topicOf } from "./topics.ts";

const EXAMPLE = new URL("../../examples/mosquitto/", import.meta.url).pathname;
const US = samples.IDENTITY;
const OTHER = { site: "clinic", appliance: "box-2" };
const NAMES = ["clinic.box-1", "clinic.box-2", "results", "monitor", "homeassistant"] as const;
const RESULT = makeResultMessage(US, samples.result);

let certificates: Certificates;
let broker: Mosquitto;
/** Ends what a test starts, last first. */
let endings: (() => unknown)[];

const conf = () => readFileSync(join(EXAMPLE, "mosquitto.conf"), "utf8");
const addDevice = (acl: string, ...words: string[]) =>
  spawnSync(join(EXAMPLE, "add-device"), [...words, acl], { encoding: "utf8" });

describe.skipIf(!RUN_MOSQUITTO)(`${MOSQUITTO} as the example configures it`, () => {
  beforeAll(async () => {
    certificates = new Certificates();
    certificates.server(["127.0.0.1"]);
    for (const name of NAMES) certificates.client(name);
    const { folder } = certificates;
    cpSync(join(EXAMPLE, "acl"), join(folder, "acl"));
    for (const { site, appliance } of [US, OTHER]) {
      execFileSync(join(EXAMPLE, "add-device"), [site, appliance, join(folder, "acl")], { stdio: "ignore" });
    }
    const there = conf()
      .replace("listener 8883", "listener PORT 127.0.0.1")
      .replaceAll("/etc/mosquitto/lv06", folder)
      .replaceAll("/var/lib/mosquitto", "FOLDER");
    broker = await Mosquitto.configured(there.split("\n"));
    endings = [];
  });

  afterEach(async () => {
    for (const end of endings.reverse()) await end();
    endings = [];
  });

  afterAll(async () => {
    await broker.stop();
    certificates.remove();
  });

  const pass = (name: string) => ({
    ca: certificates.read("ca.crt"),
    cert: certificates.read(`${name}.crt`),
    key: certificates.read(`${name}.key`),
  });

  function appliance(more: Partial<MqttClientOptions> = {}): MqttClient {
    const client = makeClient(broker.tlsUrl, { access: () => pass("clinic.box-1"), ...more });
    endings.push(() => client.stop());
    client.start();
    return client;
  }

  /** A client that shares no code with ours, and that the broker tells what it refuses. */
  async function outside(name: (typeof NAMES)[number], options: mqtt.IClientOptions = {}) {
    const client = await mqtt.connectAsync(broker.tlsUrl, {
      ...{ protocolVersion: 5, reconnectPeriod: 0, clientId: `${name}-${Math.random()}` },
      ...pass(name),
      ...options,
    });
    client.on("error", () => {});
    endings.push(() => client.endAsync(true));
    const topics: string[] = [];
    client.on("message", (topic) => topics.push(topic));
    return { client, topics };
  }

  /** By a connection of its own: over TLS, Mosquitto 2.0.11 ends the one on which it has refused something. */
  async function mayWrite(name: (typeof NAMES)[number], topic: string): Promise<boolean> {
    const { client } = await outside(name);
    try {
      await client.publishAsync(topic, "{}", { qos: 1 });
      return true;
    } catch (error) {
      expect(String(error)).toContain("Not authorized");
      return false;
    } finally {
      await client.endAsync(true);
    }
  }

  test("an appliance says what it is and publishes results, and who takes the results hears it", async () => {
    const { client, topics } = await outside("results");
    await client.subscribeAsync("lv06/v1/+/+/+", { qos: 1 });
    const box = appliance();
    await until(() => box.online);
    expect(box.state).toMatchObject({ protocolVersion: 5, refused: [] });
    await box.publish(RESULT);
    await until(() => topics.includes(RESULT.topic));
    expect(topics).not.toContain(topicOf(US, "health"));
  });

  test("an appliance may write below its own topics, its discovery too, and nowhere else", async () => {
    const topics = [
      topicOf(US, "event"),
      replyTopicOf(US, "ask-1"),
      "homeassistant/device/lv06_clinic_box-1/config",
      topicOf(OTHER, "result"),
      topicOf(OTHER, "status"),
      `lv06/v1/${OTHER.site}/${OTHER.appliance}/cmd/receipt`,
      "homeassistant/device/lv06_clinic_box-2/config",
      "lv06/v1/clinic/box-11/result",
      "elsewhere",
    ];
    const allowed = [];
    for (const topic of topics) if (await mayWrite("clinic.box-1", topic)) allowed.push(topic);
    expect(allowed).toEqual(topics.slice(0, 3));
  });

  test("an appliance may ask itself, so that its own command line can, and nobody else", async () => {
    const { client, topics } = await outside("clinic.box-1");
    const [command, reply] = [commandTopicOf(US, "selftest"), replyTopicOf(US, "ask-1")];
    await client.subscribeAsync([command, reply], { qos: 1 });
    for (const topic of [command, reply]) await client.publishAsync(topic, "{}", { qos: 1 });
    await until(() => topics.length === 2);
    for (const name of ["clinic.box-2", "results", "monitor", "homeassistant"] as const) {
      expect(await mayWrite(name, command), name).toBe(false);
    }
  });

  test("an appliance hears nothing of another", async () => {
    const { client, topics } = await outside("clinic.box-2");
    await client.subscribeAsync(["lv06/v1/clinic/box-2/#"], { qos: 1 });
    // Mosquitto grants the filter, and withholds what the list does not allow.
    await client.subscribeAsync(["lv06/#"], { qos: 1 }).catch(() => {});
    const box = appliance();
    await until(() => box.online);
    await box.publish(RESULT);
    await client.publishAsync(topicOf(OTHER, "event"), "{}", { qos: 1 });
    await until(() => topics.length > 0);
    expect(new Set(topics)).toEqual(new Set([topicOf(OTHER, "event")]));
  });

  test("readers read what is theirs, and ask what is theirs", async () => {
    const { client: monitor, topics } = await outside("monitor");
    expect(await mayWrite("results", `lv06/v1/clinic/box-1/cmd/receipt`)).toBe(true);
    expect(await mayWrite("results", `lv06/v1/clinic/box-1/cmd/infer`)).toBe(false);
    expect(await mayWrite("results", topicOf(US, "result"))).toBe(false);
    expect(await mayWrite("monitor", `lv06/v1/clinic/box-1/cmd/receipt`)).toBe(false);
    await monitor.subscribeAsync("lv06/v1/+/+/+", { qos: 1 });
    const box = appliance();
    await until(() => box.online);
    await box.publish(RESULT);
    await box.publish({ ...RESULT, topic: topicOf(US, "event") });
    await until(() => topics.includes(topicOf(US, "health")));
    await box.stop();
    await until(() => topics.filter((topic) => topic === topicOf(US, "status")).length > 1);
    expect(topics).not.toContain(RESULT.topic);
    expect(topics).not.toContain(topicOf(US, "event"));
  });

  test("an appliance whose discovery the list does not allow goes without it, and stays", async () => {
    const discovery = { ...RESULT, topic: "homeassistant/device/lv06_clinic_box-2/config" };
    const box = appliance({ announce: () => [discovery] });
    await until(() => box.state.refused.length > 0 && box.online);
    expect(box.state.refused).toEqual([discovery.topic]);
    await broker.halt();
    await until(() => !box.online);
    await broker.resume();
    await until(() => box.online);
    await box.publish(RESULT);
    expect(box.state.refused).toEqual([discovery.topic]);
  });

  test("an appliance that is refused again and again does not take it for another with its name", async () => {
    const box = appliance();
    for (let i = 0; i < 4; i++) {
      await until(() => box.online);
      const asked = box.publish({ ...RESULT, topic: topicOf(OTHER, "result") });
      await expect(asked).rejects.toMatchObject({ code: expect.stringMatching(/^MQTT_(?:FORBIDDEN|OFFLINE|LOST)$/) });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(box.state.takenOver).toBe(false);
  });

  test("nobody comes in without a certificate", async () => {
    const stranger = mqtt.connectAsync(broker.tlsUrl, { reconnectPeriod: 0, ca: certificates.read("ca.crt") }, false);
    await expect(stranger).rejects.toThrow();
    const plain = mqtt.connectAsync(broker.url, { reconnectPeriod: 0, connectTimeout: 2000 }, false);
    await expect(plain).rejects.toThrow();
  });

  test("what was acknowledged for a reader that is away is there after a restart, once", async () => {
    const session: mqtt.IClientOptions = {
      clientId: "reader",
      clean: false,
      properties: { sessionExpiryInterval: 3600 },
    };
    const first = await outside("results", session);
    await first.client.subscribeAsync(RESULT.topic, { qos: 1 });
    await first.client.endAsync();
    const box = appliance();
    await until(() => box.online);
    for (let i = 0; i < 20; i++) await box.publish({ ...RESULT, payload: Buffer.from(String(i)) });
    await box.stop();
    await broker.halt("SIGTERM");
    await broker.resume();
    const again = mqtt.connect(broker.tlsUrl, {
      ...session,
      protocolVersion: 5,
      reconnectPeriod: 0,
      ...pass("results"),
    });
    endings.push(() => again.endAsync(true));
    const heard: string[] = [];
    again.on("message", (_, payload) => heard.push(payload.toString()));
    await until(() => heard.length >= 20);
    expect(heard).toEqual(Array.from({ length: 20 }, (_, index) => String(index)));
  });
});

test("an appliance is added once, and only under a name that may stand in a topic", () => {
  const acl = join(mkdtempSync(join(tmpdir(), "acl-")), "acl");
  cpSync(join(EXAMPLE, "acl"), acl);
  expect(addDevice(acl, "clinic", "box-1").status).toBe(0);
  const once = readFileSync(acl, "utf8");
  expect(once).toContain("user clinic.box-1\ntopic readwrite lv06/v1/clinic/box-1/#\n");
  expect(once.startsWith(readFileSync(join(EXAMPLE, "acl"), "utf8"))).toBe(true);
  expect(addDevice(acl, "clinic", "box-1").stderr).toContain("already");
  for (const name of ["#", "+", "Box", "a/b", "", "x".repeat(41)]) {
    expect(addDevice(acl, "clinic", name).status, name).toBe(2);
  }
  expect(readFileSync(acl, "utf8")).toBe(once);
});
