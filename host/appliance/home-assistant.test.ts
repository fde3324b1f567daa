import mqtt from "mqtt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MqttClient } from "../mqtt/client.ts";
import { makeClient, until } from "../mqtt/testing/client.ts";
import { MOSQUITTO, Mosquitto, RUN_MOSQUITTO } from "../mqtt/testing/mosquitto.ts";
import { listenOutside, type Outside } from "../mqtt/testing/outside.ts";
import * as samples from "../mqtt/testing/samples.ts";
import { HomeAssistant } from "./home-assistant.ts";

const TOPIC = "homeassistant/device/lv06_clinic_box-1/config";

describe.skipIf(!RUN_MOSQUITTO)(`Home Assistant at ${MOSQUITTO}`, () => {
  let broker: Mosquitto;
  let told: HomeAssistant;
  let client: MqttClient;
  let outside: Outside;

  beforeEach(async () => {
    broker = await Mosquitto.start();
    outside = await listenOutside(broker.url, "homeassistant/#", 5);
    told = new HomeAssistant({
      ...{ prefix: "homeassistant", identity: samples.IDENTITY, version: "1.2.3", healthIntervalS: 30 },
      publish: (message) => client.publish(message),
      random: () => 0.5,
      spreadMs: 10,
    });
    client = makeClient(broker.url, { announce: () => [told.announcement], listen: [told.listening] });
    client.start();
    await until(() => client.online && outside.topics.length === 1);
  });

  afterEach(async () => {
    told.stop();
    await client.stop();
    await outside.end();
    await broker.stop();
  });

  test("hears of the appliance when it connects, and who comes late too", async () => {
    expect(outside.topics).toEqual([TOPIC]);
    const late = await listenOutside(broker.url, TOPIC, 5);
    await until(() => late.topics.length === 1);
    expect(late.packets[0]?.retain).toBe(true);
    await late.end();
  });

  test("hears of it again when it says that it has started, and not when it says that it ends", async () => {
    const itself = await mqtt.connectAsync(broker.url, { protocolVersion: 5 });
    await itself.publishAsync("homeassistant/status", "offline", { qos: 1 });
    await itself.publishAsync("homeassistant/status", "online", { qos: 1 });
    await until(() => outside.topics.filter((topic) => topic === TOPIC).length === 2);
    await itself.endAsync();
  });
});
