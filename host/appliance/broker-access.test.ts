import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Certificates } from "../mqtt/testing/certificates.ts";
import { brokerAccess } from "./broker-access.ts";

const NOTHING = {
  url: "mqtts://broker.example:8883",
  username: null,
  password: null,
  caFile: null,
  certFile: null,
  keyFile: null,
  serverName: null,
};
let made: Certificates;
let folder: string;

beforeAll(() => {
  made = new Certificates();
  made.client("box-1");
  made.client("box-2");
  folder = mkdtempSync(join(tmpdir(), "access-"));
  writeFileSync(join(folder, "text.pem"), "no certificate");
});

afterAll(() => {
  made.remove();
  rmSync(folder, { recursive: true });
});

const own = () => ({ certFile: made.path("box-1.crt"), keyFile: made.path("box-1.key") });

test("what is not configured is not there", () => {
  expect(brokerAccess(NOTHING)).toEqual({});
  expect(brokerAccess({ ...NOTHING, username: "u", password: "p" })).toEqual({ username: "u", password: "p" });
});

test("the files' contents, read anew every time", () => {
  const access = { ...NOTHING, ...own(), caFile: made.path("ca.crt"), serverName: "broker.lan" };
  const before = brokerAccess(access);
  expect(before).toEqual({
    ca: made.read("ca.crt"),
    cert: made.read("box-1.crt"),
    key: made.read("box-1.key"),
    serverName: "broker.lan",
  });
  made.client("box-1");
  expect(brokerAccess(access).cert).not.toBe(before.cert);
});

test("the embedded broker speaks no TLS, whatever is configured", () => {
  expect(brokerAccess({ ...NOTHING, ...own(), url: null })).toEqual({});
});

test.each([
  ["MQTT_CA", "an authority that is not there", () => ({ caFile: "/absent/ca.crt" })],
  ["MQTT_CA", "an authority that is none", () => ({ caFile: join(folder, "text.pem") })],
  ["MQTT_CLIENT_CERT", "a certificate without its key", () => ({ certFile: made.path("box-1.crt") })],
  ["MQTT_CLIENT_CERT", "a key without its certificate", () => ({ keyFile: made.path("box-1.key") })],
  ["MQTT_CLIENT_CERT", "another's key", () => ({ ...own(), keyFile: made.path("box-2.key") })],
  ["MQTT_CLIENT_CERT", "a certificate that is none", () => ({ ...own(), certFile: join(folder, "text.pem") })],
  ["MQTT_CLIENT_CERT", "certificates for an address without TLS", () => ({ ...own(), url: "mqtt://broker.example" })],
])("%s: %s", (code, _, changes) => {
  expect(() => brokerAccess({ ...NOTHING, ...changes() })).toThrow(expect.objectContaining({ code }));
});
