import { codedErrors } from "../base/error.ts";

export const MQTT_ERRORS = {
  MQTT_NAME: "Site and appliance names are 1 to 40 of a–z, 0–9 and -; they become part of every topic.",
  MQTT_MESSAGE: "This is a defect in the appliance: a message does not fit its published schema and was not sent.",
  MQTT_CA: "Check mqtt.caFile: a PEM file that the appliance's user may read.",
  MQTT_UNREACHABLE:
    "Check the broker's address, that it runs, whether it speaks TLS there, and the network between; the appliance keeps trying.",
  MQTT_DEADLINE: "The broker took longer than the deadline: check its load and the network; the appliance reconnects.",
  MQTT_CLIENT_CERT:
    "Check mqtt.certFile and mqtt.keyFile: PEM files that belong together, both or neither, without a passphrase, readable by the appliance's user, for a mqtts:// address.",
  MQTT_TLS: "Check that mqtt.url begins with mqtts:// and that the broker speaks TLS 1.2 or newer at this port.",
  MQTT_TLS_CLIENT:
    "The broker refuses this appliance's certificate, or misses it: check mqtt.certFile, its dates, and the authority that the broker trusts.",
  MQTT_TLS_EXPIRED: "The broker's certificate is out of date, or this clock is wrong: renew the one, set the other.",
  MQTT_TLS_NAME:
    "The broker's certificate is for another name: use that name in mqtt.url, or set mqtt.serverName where it is the right broker.",
  MQTT_TLS_UNKNOWN_CA: "Set mqtt.caFile to the certificate of the authority that signed the broker's.",
  MQTT_AUTH: "Check the configured user name, password or certificate, and that the broker knows this appliance.",
  MQTT_PROTOCOL_VERSION: "The broker speaks neither MQTT 5 nor 3.1.1: use another broker.",
  MQTT_REFUSED: "The broker refused it for the reason given: check its access list and its limits.",
  MQTT_FORBIDDEN: "Let the broker's access list allow this appliance its own topics; what is refused waits.",
  MQTT_QUOTA: "The broker takes no more for now: check its limits and its disk; what is refused waits.",
  MQTT_TOO_LARGE:
    "Raise the broker's limit for the size of a message, then restart the appliance: what is too large is set aside, not lost.",
  MQTT_FORM: "The broker refuses the message's form: look at its log; the message is set aside, not lost.",
  MQTT_BLAMED:
    "The broker has something against a message: look at its log and its limits; the message is set aside, not lost.",
  MQTT_BUSY: "More messages wait for the broker than the limit allows: send less at once.",
  MQTT_TAKEN_OVER: "Another client uses this appliance's name at the broker: give every appliance a name of its own.",
  MQTT_LOST: "The connection to the broker ended: it is made again by itself.",
  MQTT_OFFLINE: "There is no connection to the broker now: it is made again by itself.",
  MQTT_UNANSWERED:
    "Check that the appliance runs, that this configuration is its own (site, appliance, mqtt.url), and that the broker lets it hear cmd/ and write reply/.",
  MQTT_STOPPED: "The appliance is stopping.",
  MQTT_PORT_IN_USE: "Another program listens on the embedded broker's port: set mqtt.embeddedPort, or use that broker.",
  MQTT_BROKER_START: "The embedded broker could not listen: choose another port, above 1023.",
} as const;

export type MqttErrorCode = keyof typeof MQTT_ERRORS;

export class MqttError extends codedErrors(MQTT_ERRORS) {}

/** Of one message, by its form or size: no other try to send it to this broker will end otherwise. */
const UNSENDABLE: ReadonlySet<string> = new Set<MqttErrorCode>(["MQTT_TOO_LARGE", "MQTT_FORM"]);
const REFUSALS: ReadonlySet<string> = new Set<MqttErrorCode>(["MQTT_REFUSED", "MQTT_FORBIDDEN", "MQTT_QUOTA"]);

export function isUnsendable(error: unknown): error is MqttError {
  return error instanceof MqttError && UNSENDABLE.has(error.code);
}

/** Whether a broker said no to one message or subscription; the connection stands. */
export function isRefusal(error: unknown): error is MqttError {
  return error instanceof MqttError && (REFUSALS.has(error.code) || UNSENDABLE.has(error.code));
}

/** Why a command was not carried out; in the reply where it has one, and counted in `health.errors`. */
export const CHANNEL_ERRORS = {
  COMMAND_TOPIC: "Publish to cmd/ and the name of a command, such as cmd/receipt.",
  COMMAND_TOO_LARGE:
    "Send a command of 65,536 bytes at most; one that brings an image may have more (mqtt.inferMaxBytes).",
  COMMAND_FORM:
    "Send what the command's published schema asks for: JSON with an id of 1 to 64 of A–Z, a–z, 0–9, _ and -.",
  COMMAND_UNKNOWN: "Use a command of this version: each has a published schema, cmd-NAME.schema.json.",
  COMMAND_RETAINED:
    "Publish commands without the retain flag, and clear the one that the broker keeps (an empty retained message).",
  COMMAND_EXPIRED: "Send the command again with the time of now, and check both clocks: it may be 30 s old at most.",
  COMMAND_RATE: "Send fewer commands: 20 at once and then 10 a second are carried out.",
  COMMAND_BUSY: "Send the command again later: others are being carried out, as many as may at once.",
  COMMAND_ID_REUSED: "Give every command an id of its own; the same id asks for the same answer again.",
  COMMAND_DEADLINE:
    "The appliance took too long; what was asked for may be done all the same: send it again with the same id, which does nothing twice, and look at its health.",
} as const;

export type ChannelErrorCode = keyof typeof CHANNEL_ERRORS;

export class ChannelError extends codedErrors(CHANNEL_ERRORS) {}
