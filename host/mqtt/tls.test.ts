/** TLS with the real broker, and certificates of an authority of our own. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { MqttClient } from "./client.ts";
import type { BrokerAccess } from "./connection.ts";
import { Certificates } from "./testing/certificates.ts";
import { makeClient, until } from "./testing/client.ts";
import { MOSQUITTO, Mosquitto, RUN_MOSQUITTO } from "./testing/mosquitto.ts";

const NAME = "broker.example";
const BOX = "clinic.box-1";

describe.skipIf(!RUN_MOSQUITTO)(`${MOSQUITTO} over TLS`, () => {
  let ours: Certificates;
  let others: Certificates;
  /** Its certificate is for NAME, not for the address where it listens. */
  let broker: Mosquitto;
  let client: MqttClient;

  const tlsLines = (folder: string, ...more: string[]) => [
    "listener PORT 127.0.0.1",
    `cafile ${folder}/ca.crt`,
    `certfile ${folder}/server.crt`,
    `keyfile ${folder}/server.key`,
    "allow_anonymous true",
    "log_type none",
    ...more,
  ];

  beforeAll(async () => {
    [ours, others] = [new Certificates(), new Certificates()];
    ours.server([NAME]);
    ours.client(BOX);
    others.client(BOX);
    broker = await Mosquitto.configured(tlsLines(ours.folder, "require_certificate true"));
  });

  afterEach(() => client.stop());

  afterAll(async () => {
    await broker.stop();
    ours.remove();
    others.remove();
  });

  /** What a client needs to get in. */
  const pass = (by: Certificates): BrokerAccess => ({
    ca: ours.read("ca.crt"),
    cert: by.read(`${BOX}.crt`),
    key: by.read(`${BOX}.key`),
    serverName: NAME,
  });

  function connecting(access: BrokerAccess, to = broker): MqttClient {
    client = makeClient(to.tlsUrl, { access: () => access });
    client.start();
    return client;
  }

  async function refusal(access: BrokerAccess, to = broker): Promise<unknown> {
    connecting(access, to);
    await until(() => client.state.state === "offline" || client.online);
    return client.state.lastErrorCode;
  }

  test("lets in who trusts its authority, expects its name, and shows a certificate of that authority", async () => {
    connecting(pass(ours));
    await until(() => client.online);
    expect(client.state.protocolVersion).toBe(5);
  });

  test("is a stranger to who trusts another authority, or only the public ones", async () => {
    expect(await refusal({ ...pass(ours), ca: others.read("ca.crt") })).toBe("MQTT_TLS_UNKNOWN_CA");
    await client.stop();
    const { ca: _, ...rest } = pass(ours);
    expect(await refusal(rest)).toBe("MQTT_TLS_UNKNOWN_CA");
  });

  test("is not taken for another: its certificate is for another name than its address", async () => {
    const { serverName: _, ...rest } = pass(ours);
    expect(await refusal(rest)).toBe("MQTT_TLS_NAME");
    await client.stop();
    expect(await refusal({ ...pass(ours), serverName: "other.example" })).toBe("MQTT_TLS_NAME");
  });

  test("refuses who shows no certificate", async () => {
    const { cert: _, key: __, ...rest } = pass(ours);
    expect(await refusal(rest)).toBe("MQTT_TLS_CLIENT");
  });

  test("refuses who shows a certificate of another authority", async () => {
    expect(await refusal(pass(others))).toBe("MQTT_TLS_CLIENT");
  });

  test("is not trusted once its certificate is out of date", async () => {
    const stale = new Certificates();
    stale.server([NAME, "127.0.0.1"], -1);
    const late = await Mosquitto.configured(tlsLines(stale.folder));
    try {
      expect(await refusal({ ca: stale.read("ca.crt") }, late)).toBe("MQTT_TLS_EXPIRED");
    } finally {
      await late.stop();
      stale.remove();
    }
  });

  test("refuses a certificate that is out of date, and lets its owner in with a new one without a restart", async () => {
    ours.client("clinic.box-2", -1);
    const files = () => ({ cert: ours.read("clinic.box-2.crt"), key: ours.read("clinic.box-2.key") });
    client = makeClient(broker.tlsUrl, { access: () => ({ ...pass(ours), ...files() }) });
    client.start();
    await until(() => client.state.lastErrorCode === "MQTT_TLS_CLIENT");
    ours.client("clinic.box-2");
    await until(() => client.online);
  });

  test("is spoken to by plain TCP in vain, and the other way round", async () => {
    client = makeClient(broker.url);
    client.start();
    await until(() => client.state.state === "offline");
    await client.stop();
    const plain = await Mosquitto.start();
    try {
      expect(await refusal({}, plain)).toMatch(/^MQTT_(?:TLS|UNREACHABLE)$/);
    } finally {
      await plain.stop();
    }
  });

  test("is tried again and again where a certificate cannot be read", async () => {
    let tries = 0;
    client = makeClient(broker.tlsUrl, {
      access: () => {
        tries += 1;
        return tries < 3 ? { ...pass(ours), cert: ours.read("absent.crt") } : pass(ours);
      },
    });
    client.start();
    await until(() => client.online);
    expect(tries).toBe(3);
  });
});
