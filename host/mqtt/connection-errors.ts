/** What ends or refuses a connection, by our names. */
import { errorMessage } from "../base/error.ts";
import { MqttError, type MqttErrorCode } from "./errors.ts";

const NOT_AUTHORISED = 0x87;
const TAKEN_OVER = 0x8e;
/** DISCONNECT because of what we sent: malformed, against the protocol, its topic, size, form, retain or QoS. */
const BLAMING: ReadonlySet<number> = new Set([0x81, 0x82, 0x90, 0x94, 0x95, 0x99, 0x9a, 0x9b]);
/** Whoever listens there hung up on the greeting. */
const BEFORE_TLS = /before secure TLS connection/;
const CLIENT_ALERT =
  /ALERT_(?:BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR|HANDSHAKE_FAILURE)/;

export function stopped(): MqttError {
  return new MqttError("MQTT_STOPPED", "the connection was closed from here");
}

export function disconnected(reasonCode = 0): MqttError {
  const code = reasonCode === TAKEN_OVER ? "MQTT_TAKEN_OVER" : BLAMING.has(reasonCode) ? "MQTT_BLAMED" : "MQTT_LOST";
  return new MqttError(code, `the broker said DISCONNECT with reason 0x${reasonCode.toString(16).padStart(2, "0")}`);
}

/** What ends an attempt to connect: CONNACK's codes among it. */
export function refusedConnect(error: Error): MqttError {
  // To who may not come in, Mosquitto says what others say of a topic.
  const unknown = "code" in error && error.code === NOT_AUTHORISED;
  return unknown ? new MqttError("MQTT_AUTH", errorMessage(error), { cause: error }) : translate(error);
}

export function translate(error: Error): MqttError {
  if (error instanceof MqttError) return error;
  const code = "code" in error ? error.code : undefined;
  const detail = errorMessage(error) || String(code);
  // Mosquitto 2.0.11 answers a message beyond message_size_limit so; the reason itself is lost in the reader.
  if (/Invalid puback reason code/.test(detail)) return new MqttError("MQTT_BLAMED", detail, { cause: error });
  if (typeof code === "number") return new MqttError(refusalCode(code), detail, { cause: error });
  const tls = typeof code === "string" ? tlsCode(code) : undefined;
  if (tls !== undefined || BEFORE_TLS.test(detail)) {
    return new MqttError(tls ?? "MQTT_TLS", `${detail} (${code})`, { cause: error });
  }
  if (/timeout/i.test(detail)) return new MqttError("MQTT_DEADLINE", detail, { cause: error });
  return new MqttError(typeof code === "string" ? "MQTT_UNREACHABLE" : "MQTT_LOST", detail, { cause: error });
}

/** A SUBACK that refuses comes as an error with that packet and without its code; a lost connection without either. */
export function subscribeError(error: Error): MqttError {
  const refused = "packet" in error && error.packet !== undefined;
  return refused ? new MqttError("MQTT_REFUSED", error.message, { cause: error }) : translate(error);
}

/** By OpenSSL's and Node's names; the peer's alerts speak of our certificate. */
function tlsCode(code: string): MqttErrorCode | undefined {
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") return "MQTT_TLS_EXPIRED";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "MQTT_TLS_NAME";
  if (CLIENT_ALERT.test(code)) return "MQTT_TLS_CLIENT";
  if (/^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|PATH_LENGTH)/.test(code)) return "MQTT_TLS_UNKNOWN_CA";
  return /CERT|SSL|TLS|EPROTO|SIGNATURE/.test(code) ? "MQTT_TLS" : undefined;
}

/** CONNACK return codes of 3.1.1 (1–5) and reason codes of MQTT 5 (§2.4). */
function refusalCode(code: number): MqttErrorCode {
  switch (code) {
    case 0x01:
    case 0x84:
      return "MQTT_PROTOCOL_VERSION";
    case 0x04:
    case 0x05:
    case 0x86:
    case 0x8a:
    case 0x8c:
      return "MQTT_AUTH";
    case 0x03:
    case 0x88:
    case 0x89:
      return "MQTT_UNREACHABLE";
    case NOT_AUTHORISED:
      return "MQTT_FORBIDDEN";
    case 0x97:
      return "MQTT_QUOTA";
    case 0x95:
      return "MQTT_TOO_LARGE";
    case 0x90:
    case 0x99:
      return "MQTT_FORM";
    default:
      return "MQTT_REFUSED";
  }
}
