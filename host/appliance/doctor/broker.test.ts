/** With the real broker, over TLS and without, and with the embedded one, which speaks 3.1.1. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { loadConfig } from "../../config/load.ts";
import { EmbeddedBroker } from "../../mqtt/embedded-broker.ts";
import { readMessage } from "../../mqtt/envelope.ts";
import { subscribe } from "../../mqtt/subscriber.ts";
import { Certificates } from "../../mqtt/testing/certificates.ts";
import { MOSQUITTO, Mosquitto, RUN_MOSQUITTO } from "../../mqtt/testing/mosquitto.ts";
import { brokerChecks, expiry } from "./broker.ts";

const DAY_MS = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), "lv06-doctor-"));
const endings: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Asked {
  readonly offline?: boolean;
  readonly nowMs?: number;
}

async function ask(env: Record<string, string>, { offline = false, nowMs = Date.now() }: Asked = {}) {
  const { config } = loadConfig({ file: null, env, cwd: folder, installDir: folder });
  return brokerChecks(config, { offline, nowMs });
}

const brief = (findings: Awaited<ReturnType<typeof ask>>) =>
  findings.map(({ check, verdict, code }) => [check, verdict, code].join(" ").trim());

test("without a broker the doctor says what the embedded one does not do", async () => {
  const findings = await ask({});
  expect(brief(findings)).toEqual(["broker note DOCTOR_BROKER_EMBEDDED"]);
  expect(findings[0]?.action).toContain("mqtt.url");
});

test("a broker that is not there is wrong, with what to do", async () => {
  const findings = await ask({ LV06_MQTT_URL: "mqtt://127.0.0.1:1" });
  expect(brief(findings)).toEqual(["TLS note DOCTOR_BROKER_PLAIN", "broker wrong MQTT_UNREACHABLE"]);
  expect(findings[1]?.action).toContain("address");
});

test("offline nobody is asked", async () => {
  const findings = await ask({ LV06_MQTT_URL: "mqtts://127.0.0.1:1" }, { offline: true });
  expect(brief(findings)).toEqual(["broker skipped"]);
});

test("over MQTT 3.1.1 the probe has to come back", async () => {
  const broker = await EmbeddedBroker.start({ port: 0 });
  endings.push(() => broker.stop());
  const findings = await ask({ LV06_MQTT_URL: broker.url });
  expect(brief(findings)).toEqual(["TLS note DOCTOR_BROKER_PLAIN", "broker ok"]);
  expect(findings[1]?.detail).toContain("3.1.1");
  expect(findings[1]?.detail).toContain("lv06/v1/local/appliance/reply/doctor (no other topic was tried) arrives");
});

test("a certificate is judged by its last day", () => {
  const verdict = (days: number) => expiry("TLS", "it", days * DAY_MS, 0).verdict;
  expect([-1, 0, 29, 30].map(verdict)).toEqual(["wrong", "note", "note", "ok"]);
});

describe.skipIf(!RUN_MOSQUITTO)(MOSQUITTO, () => {
  const certificates = RUN_MOSQUITTO ? new Certificates() : undefined;
  const path = (file: string) => certificates?.path(file) ?? "";
  let broker: Mosquitto;

  beforeAll(async () => {
    certificates?.server(["broker.example"], 100);
    certificates?.client("local.appliance", 3);
    broker = await Mosquitto.configured([
      "listener PORT 127.0.0.1",
      `cafile ${path("ca.crt")}`,
      `certfile ${path("server.crt")}`,
      `keyfile ${path("server.key")}`,
      "allow_anonymous true",
      "log_type none",
    ]);
  });
  afterAll(async () => {
    await broker.stop();
    certificates?.remove();
  });

  const secured = (more: Record<string, string> = {}) => ({
    LV06_MQTT_URL: broker.tlsUrl,
    LV06_MQTT_CA_FILE: path("ca.crt"),
    LV06_MQTT_SERVER_NAME: "broker.example",
    ...more,
  });

  test("lets the appliance in over TLS, and its certificate is shown with its last day", async () => {
    const findings = await ask(secured());
    expect(brief(findings)).toEqual(["TLS ok", "broker ok"]);
    expect(findings[0]?.detail).toMatch(/broker\.example.*authority, until .*20\d\d/);
  });

  test("a month before its end the certificate is noted, own and broker's", async () => {
    const own = { LV06_MQTT_CERT_FILE: path("local.appliance.crt"), LV06_MQTT_KEY_FILE: path("local.appliance.key") };
    const findings = await ask(secured(own), { nowMs: Date.now() + 75 * DAY_MS });
    expect(brief(findings)).toEqual([
      "own certificate wrong DOCTOR_TLS_EXPIRES",
      "TLS note DOCTOR_TLS_EXPIRES",
      "broker ok",
    ]);
    expect(brief(await ask(secured(own)))[0]).toBe("own certificate note DOCTOR_TLS_EXPIRES");
  });

  test.each([
    ["the name is another", { LV06_MQTT_SERVER_NAME: "other.example" }, "MQTT_TLS_NAME"],
    ["the authority is unknown", { LV06_MQTT_CA_FILE: "" }, "MQTT_TLS_UNKNOWN_CA"],
  ])("nobody logs in where %s", async (_, wrong, code) => {
    const findings = await ask(secured(wrong));
    expect(brief(findings)).toEqual([`TLS wrong ${code}`, "broker skipped"]);
    expect(findings[0]?.detail).toContain("the certificate is for DNS:broker.example");
  });

  test("a certificate that is out of date is told with its dates", async () => {
    const late = new Certificates();
    endings.push(() => late.remove());
    late.server(["127.0.0.1"], -1);
    const other = await Mosquitto.configured([
      "listener PORT 127.0.0.1",
      ...[`cafile ${late.path("ca.crt")}`, `certfile ${late.path("server.crt")}`],
      ...[`keyfile ${late.path("server.key")}`, "allow_anonymous true", "log_type none"],
    ]);
    endings.push(() => other.stop());
    const findings = await ask({ LV06_MQTT_URL: other.tlsUrl, LV06_MQTT_CA_FILE: late.path("ca.crt") });
    expect(brief(findings)).toEqual(["TLS wrong MQTT_TLS_EXPIRED", "broker skipped"]);
  });

  test("a plain port is no TLS port", async () => {
    const plain = await Mosquitto.start();
    endings.push(() => plain.stop());
    const findings = await ask({ LV06_MQTT_URL: plain.url.replace("mqtt:", "mqtts:") });
    expect(findings.map(({ verdict }) => verdict)).toEqual(["wrong", "skipped"]);
    expect(findings[0]?.code).toMatch(/^MQTT_/);
  });

  test("who may not write its own topics is told so", async () => {
    const plain = await Mosquitto.start(["acl_file FOLDER/acl"], { acl: "topic read #\n" });
    endings.push(() => plain.stop());
    const [, login] = await ask({ LV06_MQTT_URL: plain.url });
    expect(login).toMatchObject({ verdict: "wrong", code: "MQTT_FORBIDDEN" });
    plain.allow("topic write lv06/v1/local/appliance/reply/#\n");
    await expect
      .poll(async () => brief(await ask({ LV06_MQTT_URL: plain.url }))[1], { timeout: 20_000 })
      .toBe("broker ok");
  }, 30_000);

  test("what the doctor says there is a message like any other, and is not kept", async () => {
    const plain = await Mosquitto.start();
    endings.push(() => plain.stop());
    const heard: Uint8Array[] = [];
    const onMessage = ({ payload, retained }: { payload: Uint8Array; retained: boolean }) => {
      if (!retained) heard.push(payload);
    };
    const outside = await subscribe({ url: plain.url, clientId: "outside", filter: "#", onMessage });
    endings.push(() => outside.close());
    expect(brief(await ask({ LV06_MQTT_URL: plain.url }))[1]).toBe("broker ok");
    await vi.waitFor(() => expect(heard).toHaveLength(1), 5_000);
    expect(heard.map((payload) => readMessage(payload))).toMatchObject([
      { kind: "reply", source: "/lv06/v1/local/appliance", data: { command: "doctor", ok: true } },
    ]);
  });
});
