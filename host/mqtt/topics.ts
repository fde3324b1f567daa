/** Topics under `lv06/v1/{site}/{appliance}/` (DESIGN §6). Pure. */
import { MqttError } from "./errors.ts";

/** Who speaks. Never a person's name: topics stay in brokers' logs. */
export interface Identity {
  readonly site: string;
  readonly appliance: string;
}

export type Kind = "status" | "info" | "health" | "result" | "seal" | "event";

const NAME = /^[a-z0-9-]{1,40}$/;

/** @throws MqttError MQTT_NAME */
export function makeIdentity(site: string, appliance: string): Identity {
  for (const [what, name] of [
    ["site", site],
    ["appliance", appliance],
  ]) {
    if (!NAME.test(name ?? "")) throw new MqttError("MQTT_NAME", `${what} name ${JSON.stringify(name)}`);
  }
  return { site, appliance };
}

export function topicOf({ site, appliance }: Identity, kind: Kind): string {
  return `lv06/v1/${site}/${appliance}/${kind}`;
}

/** Matches everything one appliance says. */
export function topicsOf({ site, appliance }: Identity): string {
  return `lv06/v1/${site}/${appliance}/#`;
}

/** CloudEvents `source`: with `id` it names an event for ever. */
export function sourceOf({ site, appliance }: Identity): string {
  return `/lv06/v1/${site}/${appliance}`;
}

export function clientIdOf({ site, appliance }: Identity): string {
  return `lv06-${site}-${appliance}`;
}
