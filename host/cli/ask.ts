/** What the commands share that ask a running appliance, over its broker. */
import { randomUUID } from "node:crypto";
import { brokerAccess } from "../appliance/broker-access.ts";
import type { Config } from "../config/schema.ts";
import { type Asked, ask } from "../mqtt/ask.ts";
import type { CommandName, ReplyData } from "../mqtt/commands.ts";
import { MqttError } from "../mqtt/errors.ts";
import { makeIdentity } from "../mqtt/topics.ts";

/** @throws MqttError; Refused */
export function askAppliance<Name extends CommandName>(
  { site, appliance, mqtt }: Config,
  name: Name,
  asked: Asked<Name>,
): Promise<ReplyData> {
  return ask(
    {
      ...brokerAccess(mqtt),
      ...{ url: brokerOf(mqtt), identity: makeIdentity(site, appliance), newId: randomUUID, utcMs: Date.now },
    },
    name,
    asked,
  );
}

function brokerOf({ url, embeddedPort }: Config["mqtt"]): string {
  if (url !== null) return url;
  if (embeddedPort !== 0) return `mqtt://127.0.0.1:${embeddedPort}`;
  throw new MqttError("MQTT_UNREACHABLE", "the embedded broker has any free port (mqtt.embeddedPort is 0)");
}
