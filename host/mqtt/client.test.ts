import { createServer, type Server, type Socket } from "node:net";
import { Aedes } from "aedes";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { MqttClient } from "./client.ts";
import { EmbeddedBroker } from "./embedded-broker.ts";
import { makeResultMessage, readMessage } from "./envelope.ts";
import { makeClient, until } from "./testing/client.ts";
import { listenOutside } from "./testing/outside.ts";
import * as samples from "./testing/samples.ts";
import { LimitsStub } from "./testing/stub-broker.ts";

const ALL = "lv06/v1/clinic/box-1/#";
const RESULT = makeResultMessage(samples.IDENTITY, samples.result);
let broker: EmbeddedBroker;
let client: MqttClient;
/** Ends what a test starts besides, last first. */
let endings: (() => unknown)[];

beforeEach(async () => {
  endings = [];
  broker = await EmbeddedBroker.start({ port: 0 });
  client = makeClient(broker.url);
});

afterEach(async () => {
  await client.stop();
  for (const end of endings.reverse()) await end();
  await broker.stop();
});

const states = (payloads: readonly Buffer[]) =>
  payloads
    .map(readMessage)
    .filter(({ kind }) => kind === "status")
    .map(({ data }) => "state" in data && data.state);

async function listen() {
  const outside = await listenOutside(broker.url, ALL, 4);
  endings.push(outside.end);
  return outside;
}

test("a broker that knows no MQTT 5 is spoken to in 3.1.1, and asked in 3.1.1 next time", async () => {
  client.start();
  await until(() => client.online);
  expect(client.state.protocolVersion).toBe(4);
  const { port } = broker;
  await broker.stop();
  await until(() => client.state.state === "offline");
  const versions: unknown[] = [];
  const aedes = await Aedes.createBroker({
    preConnect: (_, { protocolVersion }, done) => {
      versions.push(protocolVersion);
      done(null, true);
    },
  });
  const server = createServer(aedes.handle).listen(port, "127.0.0.1");
  endings.push(
    () => server.close(),
    () => aedes.close(),
  );
  await until(() => client.online);
  expect(versions).toEqual([4]);
  expect(client.state.connects).toBe(2);
});

test("after a connection that lasted it is asked in MQTT 5 first again: it may have learnt it", async () => {
  client = makeClient(broker.url, { stableMs: 1 });
  client.start();
  await until(() => client.online && client.state.protocolVersion === 4);
  const { port } = broker;
  await broker.stop();
  await until(() => client.state.state === "offline");
  const server = createServer(new LimitsStub(9).handle).listen(port, "127.0.0.1");
  endings.push(
    () => server.close(),
    () => client.stop(),
  );
  await until(() => client.online);
  expect(client.state).toMatchObject({ protocolVersion: 5, connects: 2 });
});

test("at connecting it says online, what it is and how it is, in this order", async () => {
  const outside = await listen();
  client.start();
  await until(() => outside.payloads.length >= 3);
  expect(outside.topics.map((topic) => topic.split("/").at(-1))).toEqual(["status", "info", "health"]);
});

test("who comes late learns from the broker that the appliance is online and what it is", async () => {
  client.start();
  await until(() => client.online);
  const late = await listen();
  await until(() => late.payloads.length >= 2);
  expect(late.packets.map(({ retain }) => retain)).toEqual([true, true]);
  expect(late.topics.map((topic) => topic.split("/").at(-1)).toSorted()).toEqual(["info", "status"]);
});

test("at the end it says stopped, and the last will stays unsaid", async () => {
  const outside = await listen();
  client.start();
  await until(() => client.online);
  await client.stop();
  await until(() => states(outside.payloads).length >= 2);
  await until(() => broker.connections === 1);
  expect(states(outside.payloads)).toEqual(["online", "stopped"]);
  expect(client.state.state).toBe("stopped");
});

test("it starts without a broker, says so, and connects when there is one", async () => {
  const { port } = broker;
  await broker.stop();
  client.start();
  await until(() => client.state.state === "offline");
  expect(client.state.lastErrorCode).toBe("MQTT_UNREACHABLE");
  await expect(client.publish(RESULT)).rejects.toMatchObject({ code: "MQTT_OFFLINE" });
  broker = await EmbeddedBroker.start({ port });
  await until(() => client.online);
  expect(client.state.lastErrorCode).toBeNull();
});

test("it can be stopped while there is no broker, and started again", async () => {
  const { port } = broker;
  await broker.stop();
  client.start();
  await client.stop();
  expect(client.state.state).toBe("stopped");
  broker = await EmbeddedBroker.start({ port });
  client.start();
  await until(() => client.online);
});

/** A broker that does with each connection what `handle` says. */
async function standIn(handle: (aedes: Aedes) => Parameters<typeof createServer>[1]): Promise<string> {
  const aedes = await Aedes.createBroker();
  const server: Server = createServer(handle(aedes));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endings.push(
    () => new Promise((resolve) => aedes.close(() => resolve(undefined))),
    () => server.close(),
  );
  const address = server.address();
  return `mqtt://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

test("a wrong password is an error by name", async () => {
  const url = await standIn((aedes) => {
    aedes.authenticate = (_, username, password, done) =>
      done(null, username === "box-1" && password?.toString() === "right");
    return aedes.handle;
  });
  client = makeClient(url, { access: () => ({ username: "box-1", password: "wrong" }) });
  client.start();
  await until(() => client.state.state === "offline");
  expect(client.state.lastErrorCode).toBe("MQTT_AUTH");
  await client.stop();
  client = makeClient(url, { access: () => ({ username: "box-1", password: "right" }) });
  client.start();
  await until(() => client.online);
});

test("a broker that never acknowledges costs the message its deadline and the connection its life", async () => {
  const url = await standIn((aedes) => {
    aedes.authorizePublish = (_, { topic }, done) => {
      if (!topic.endsWith("/result")) done(null);
    };
    return aedes.handle;
  });
  client = makeClient(url, { ackDeadlineMs: 100 });
  client.start();
  await until(() => client.online);
  await expect(client.publish(RESULT)).rejects.toMatchObject({ code: "MQTT_DEADLINE" });
  await until(() => client.state.connects === 2);
});

test("a port that takes connections and says nothing is an error by name", async () => {
  const url = await standIn(() => () => {});
  client = makeClient(url, { connectDeadlineMs: 100 });
  client.start();
  await until(() => client.state.state === "offline");
  expect(["MQTT_UNREACHABLE", "MQTT_DEADLINE"]).toContain(client.state.lastErrorCode);
});

test("a port where something else answers is an error by name", async () => {
  const url = await standIn(() => (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  client = makeClient(url);
  client.start();
  await until(() => client.state.state === "offline");
  expect(client.state.lastErrorCode).toMatch(/^MQTT_/);
});

test("no more messages are under way than the broker's Receive Maximum", async () => {
  const stub = new LimitsStub(3);
  const url = await standIn(() => stub.handle);
  client = makeClient(url);
  client.start();
  await until(() => client.online);
  await Promise.all(Array.from({ length: 50 }, () => client.publish(RESULT)));
  expect(stub.most).toBe(3);
});

test("a limit of 0, which no broker may state, stops nobody", async () => {
  const url = await standIn(() => new LimitsStub(0, 0).handle);
  client = makeClient(url);
  client.start();
  await until(() => client.online);
  await client.publish(RESULT);
});

test("what the broker's Maximum Packet Size does not allow is not sent, to the byte", async () => {
  const payload = (bytes: number) => ({ ...RESULT, payload: Buffer.alloc(bytes) });
  const all = new LimitsStub(9);
  const url = await standIn(() => all.handle);
  client = makeClient(url);
  client.start();
  await until(() => client.online);
  const before = all.sizes.length;
  for (const bytes of [0, 60, 300, 20_000]) await client.publish(payload(bytes));
  const sizes = all.sizes.slice(before);
  await client.stop();
  const strict = new LimitsStub(9, sizes[2]);
  client = makeClient(await standIn(() => strict.handle), { announce: () => [] });
  client.start();
  await until(() => client.online);
  await client.publish(payload(300));
  await expect(client.publish(payload(301))).rejects.toMatchObject({ code: "MQTT_TOO_LARGE" });
  expect(strict.sizes.at(-1)).toBe(sizes[2]);
  expect(client.state.connects).toBe(1);
});

test("what the broker refuses of the announcement is named, and the appliance is online without it", async () => {
  const url = await standIn(() => new LimitsStub(9, 700).handle);
  client = makeClient(url);
  client.start();
  await until(() => client.online);
  expect(client.state.refused).toEqual(["lv06/v1/clinic/box-1/info", "lv06/v1/clinic/box-1/health"]);
});

test("another client with the same name is an error by name, stays told, and is given way to", async () => {
  const connack = [0x20, 3, 0, 0, 0];
  const takenOver = [0xe0, 2, 0x8e, 0];
  const url = await standIn((aedes) => {
    let first = true;
    return (socket) => {
      if (first) socket.on("error", () => {}).once("data", () => socket.write(Buffer.from([...connack, ...takenOver])));
      else aedes.handle(socket);
      first = false;
    };
  });
  client = makeClient(url, { backoff: { firstMs: 1, capMs: 400 } });
  client.start();
  expect(client.state.takenOver).toBe(false);
  await until(() => client.state.state === "offline");
  expect(client.state).toMatchObject({ lastErrorCode: "MQTT_TAKEN_OVER", takenOver: true });
  const offlineMs = performance.now();
  await until(() => client.online);
  expect(client.state).toMatchObject({ lastErrorCode: null, takenOver: true });
  // The pause is the longest there is, not the first: 300 ms of 400, less what a timer may be early.
  expect(performance.now() - offlineMs).toBeGreaterThan(250);
});

test.each([
  ["a broker that hangs up and says nothing seems to have another client of this name", undefined, true],
  ["one that says it shuts down has none", 0x8b, false],
  ["one that says it is busy has none", 0x89, false],
  ["one that says it was closed by its operator has none", 0x98, false],
  ["one that says where to go instead has none", 0x9c, false],
])("%s", async (_, reason, takenOver) => {
  const sockets: Socket[] = [];
  const url = await standIn(() => (socket) => {
    sockets.push(socket);
    new LimitsStub(9).handle(socket);
  });
  client = makeClient(url, { announce: () => [] });
  client.onChange(({ state }) => {
    if (state !== "online") return;
    if (reason === undefined) sockets.at(-1)?.destroy();
    else sockets.at(-1)?.end(Buffer.from([0xe0, 2, reason, 0]));
  });
  client.start();
  await until(() => client.state.connects >= 5);
  expect(client.state.takenOver).toBe(takenOver);
});
