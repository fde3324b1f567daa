/** What ends or refuses a connection, by our names. */
import { errorMessage } from "../base/error.ts";
import { MqttError, type MqttErrorCode } from "./errors.ts";

export function stopped(): MqttError {
  return new MqttError("MQTT_STOPPED", "the connection was closed from here");
}

export function disconnected(reasonCode: number | undefined): MqttError {
  const code = reasonCode === 0x8e ? "MQTT_TAKEN_OVER" : "MQTT_LOST";
  return new MqttError(code, `the broker said DISCONNECT with reason ${reasonCode ?? 0}`);
}

export function translate(error: Error): MqttError {
  if (error instanceof MqttError) return error;
  const code = "code" in error ? error.code : undefined;
  const detail = errorMessage(error) || String(code);
  if (typeof code === "number") return new MqttError(refusalCode(code), detail, { cause: error });
  if (typeof code === "string" && /CERT|SSL|TLS|EPROTO|SIGNATURE/.test(code)) {
    return new MqttError("MQTT_TLS", `${detail} (${code})`, { cause: error });
  }
  if (/timeout/i.test(detail)) return new MqttError("MQTT_DEADLINE", detail, { cause: error });
  return new MqttError(typeof code === "string" ? "MQTT_UNREACHABLE" : "MQTT_LOST", detail, { cause: error });
}

/** A SUBACK that refuses comes as an error with that packet and without its code; a lost connection without either. */
export function subscribeError(error: Error): MqttError {
  const refused = "packet" in error && error.packet !== undefined;
  return refused ? new MqttError("MQTT_REFUSED", error.message, { cause: error }) : translate(error);
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
    default:
      return "MQTT_REFUSED";
  }
}
