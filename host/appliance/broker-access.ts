/** How a client of this appliance's broker gets in. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { errorMessage } from "../base/error.ts";
import type { Config } from "../config/schema.ts";
import type { BrokerAccess } from "../mqtt/connection.ts";
import { MqttError, type MqttErrorCode } from "../mqtt/errors.ts";

type Access = Pick<Config["mqtt"], "url" | "username" | "password" | "caFile" | "certFile" | "keyFile" | "serverName">;

/** Reads the files anew at every call: a certificate is renewed without a restart. @throws MqttError MQTT_CA, MQTT_CLIENT_CERT */
export function brokerAccess({ url, username, password, ...tls }: Access): BrokerAccess {
  return {
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    // The embedded broker speaks no TLS, and nobody else hears it.
    ...(url === null ? {} : tlsAccess(url, tls)),
  };
}

type Tls = Pick<Access, "caFile" | "certFile" | "keyFile" | "serverName">;

function tlsAccess(url: string, { caFile, certFile, keyFile, serverName }: Tls): BrokerAccess {
  const given = caFile ?? certFile ?? keyFile;
  if (given !== null && !url.startsWith("mqtts://")) {
    throw new MqttError("MQTT_CLIENT_CERT", `${given} is configured, and mqtt.url is ${url}: no TLS`);
  }
  return {
    ...(caFile === null ? {} : { ca: authority(caFile) }),
    ...ownCertificate(certFile, keyFile),
    ...(serverName === null ? {} : { serverName }),
  };
}

function authority(path: string): string {
  const pem = read("MQTT_CA", path);
  expectTls("MQTT_CA", path, () => new X509Certificate(pem));
  return pem;
}

function ownCertificate(certFile: string | null, keyFile: string | null): BrokerAccess {
  if (certFile === null && keyFile === null) return {};
  if (certFile === null || keyFile === null) {
    throw new MqttError("MQTT_CLIENT_CERT", `of certificate and key, only ${certFile ?? keyFile} is configured`);
  }
  const [cert, key] = [read("MQTT_CLIENT_CERT", certFile), read("MQTT_CLIENT_CERT", keyFile)];
  expectTls("MQTT_CLIENT_CERT", `${certFile} with ${keyFile}`, () => createSecureContext({ cert, key }));
  return { cert, key };
}

function read(code: MqttErrorCode, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new MqttError(code, `${path}: ${errorMessage(error)}`, { cause: error });
  }
}

/** OpenSSL's words tell what is wrong with a PEM file, not what is in it. */
function expectTls(code: MqttErrorCode, what: string, use: () => unknown): void {
  try {
    use();
  } catch (error) {
    throw new MqttError(code, `${what}: ${errorMessage(error)}`, { cause: error });
  }
}
