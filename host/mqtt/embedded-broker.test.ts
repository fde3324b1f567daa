import { once } from "node:events";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import mqtt from "mqtt";
import { afterEach, expect, test } from "vitest";
import { EmbeddedBroker } from "./embedded-broker.ts";
import { subscribe } from "./subscriber.ts";
import { until } from "./testing/client.ts";

let broker: EmbeddedBroker | undefined;

afterEach(async () => await broker?.stop());

test("a port that is taken is an error by name", async () => {
  broker = await EmbeddedBroker.start({ port: 0 });
  await expect(EmbeddedBroker.start({ port: broker.port })).rejects.toMatchObject({ code: "MQTT_PORT_IN_USE" });
});

test("stopping ends its clients and frees the port, and may be repeated", async () => {
  broker = await EmbeddedBroker.start({ port: 0 });
  const { port, url } = broker;
  const client = await subscribe({ url, clientId: "c", filter: "#", onMessage: () => {} });
  await broker.stop();
  expect((await client.closed).code).toBe("MQTT_LOST");
  await broker.stop();
  broker = await EmbeddedBroker.start({ port });
  expect(broker.port).toBe(port);
});

test("more connections than allowed are turned away", async () => {
  broker = await EmbeddedBroker.start({ port: 0, connectionsMax: 2 });
  const open = (port: number) => connect(port, "127.0.0.1").on("error", () => {});
  const kept = [open(broker.port), open(broker.port)];
  await until(() => broker?.connections === 2);
  const turnedAway = open(broker.port);
  await once(turnedAway.resume(), "close");
  expect(broker.connections).toBe(2);
  for (const socket of kept) socket.destroy();
});

test("nothing waits in it for a subscriber that is away, whatever session that asked for", async () => {
  broker = await EmbeddedBroker.start({ port: 0 });
  const { url } = broker;
  const session = { clientId: "away", clean: false };
  const before = await mqtt.connectAsync(url, session);
  await before.subscribeAsync("a", { qos: 1 });
  await before.endAsync();
  const publisher = await mqtt.connectAsync(url);
  await publisher.publishAsync("a", "missed", { qos: 1 });
  const heard: string[] = [];
  const again = mqtt.connect(url, session).on("message", (_, payload) => heard.push(payload.toString()));
  const sessionPresent = new Promise((resolve) => again.once("connect", (connack) => resolve(connack.sessionPresent)));
  expect(await sessionPresent).toBe(false);
  await again.subscribeAsync("a", { qos: 1 });
  await publisher.publishAsync("a", "heard", { qos: 1 });
  await until(() => heard.length > 0);
  expect(heard).toEqual(["heard"]);
  await Promise.all([again, publisher].map((client) => client.endAsync(true)));
});

test("other machines cannot reach it", async () => {
  broker = await EmbeddedBroker.start({ port: 0 });
  const outward = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === "IPv4" && !address.internal);
  const socket = connect(broker.port, outward?.address ?? "127.0.0.2");
  await expect(once(socket, "connect")).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
