/** The bad line itself: what it is told to lose is lost, what it is not told to lose is not. */
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import mqtt from "mqtt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Seeded } from "../../host/device/testing/seeded.ts";
import { LimitsStub } from "../../host/mqtt/testing/stub-broker.ts";
import { MqttLine } from "./mqtt-line.ts";

let broker: Server;
let line: MqttLine;
let client: mqtt.MqttClient;
const signal = AbortSignal.timeout(60_000);

beforeEach(async () => {
  broker = createServer(new LimitsStub(100).handle).listen(0, "127.0.0.1");
  await once(broker, "listening");
  const address = broker.address();
  line = await MqttLine.open(typeof address === "object" && address !== null ? address.port : 0, new Seeded(1));
  client = await mqtt.connectAsync(line.url, { protocolVersion: 5, reconnectPeriod: 0 });
});

afterEach(async () => {
  await client.endAsync(true);
  await line.stop();
  broker.close();
});

describe("the line between appliance and broker", () => {
  test("lets everything through in fair weather, and says what passes", async () => {
    const seen = Promise.all([line.next("publish", signal), line.next("puback", signal)]);
    await Promise.all([1, 2, 3].map((n) => client.publishAsync("a/topic", `message ${n}`, { qos: 1 })));
    await seen;
    await client.publishAsync("a/topic", "nobody acknowledges it", { qos: 0 });
    expect(line.passed).toEqual({ connect: 1, publish: 3, puback: 3 });
    expect(line.lostPubacks).toBe(0);
  });

  test("loses acknowledgements, and the messages not", async () => {
    line.weather.lossOfPubacks = 1;
    const seen = line.next("publish", signal);
    client.publish("a/topic", "message", { qos: 1 }, () => {});
    await seen;
    while (line.lostPubacks === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(line.passed).toEqual({ connect: 1, publish: 1, puback: 0 });
  });

  test("is slow, and keeps the order", async () => {
    line.weather.packetMs = 20;
    const beganMs = performance.now();
    const done: number[] = [];
    await Promise.all(
      [1, 2, 3, 4].map((n) => client.publishAsync("a/topic", `${n}`, { qos: 1 }).then(() => done.push(n))),
    );
    expect(performance.now() - beganMs).toBeGreaterThan(80);
    expect(done).toEqual([1, 2, 3, 4]);
  });

  test("breaks off every connection", async () => {
    const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
    line.cut();
    await closed;
  });
});
