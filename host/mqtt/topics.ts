/** Topics under `lv06/v1/{site}/{appliance}/` (DESIGN §6). Pure. */
import { MqttError } from "./errors.ts";

/** Who speaks. Never a person's name: topics stay in brokers' logs. */
export interface Identity {
  readonly site: string;
  readonly appliance: string;
}

/** What the appliance says. A `reply` goes to a topic below its kind's: `replyTopicOf`. */
export type Kind = "status" | "info" | "health" | "result" | "seal" | "event" | "reply";

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

/** Matches every command to one appliance. */
export function commandsOf({ site, appliance }: Identity): string {
  return `lv06/v1/${site}/${appliance}/cmd/+`;
}

export function commandTopicOf({ site, appliance }: Identity, name: string): string {
  return `lv06/v1/${site}/${appliance}/cmd/${name}`;
}

/** @param correlation of whoever asked: a command's id */
export function replyTopicOf(identity: Identity, correlation: string): string {
  return `${topicOf(identity, "reply")}/${correlation}`;
}

/** What may follow `reply/` where an asker names the topic of the answer: no wildcards, no empty levels. */
const REPLY_LEVELS = /^[A-Za-z0-9_-]{1,64}(?:\/[A-Za-z0-9_-]{1,64}){0,3}$/;

/** Whether answers may be sent there: below this appliance's own `reply/` and nowhere else. */
export function isReplyTopic(identity: Identity, topic: string): boolean {
  const prefix = replyTopicOf(identity, "");
  return topic.startsWith(prefix) && REPLY_LEVELS.test(topic.slice(prefix.length));
}

/** CloudEvents `source`: with `id` it names an event for ever. */
export function sourceOf({ site, appliance }: Identity): string {
  return `/lv06/v1/${site}/${appliance}`;
}

export function clientIdOf({ site, appliance }: Identity): string {
  return `lv06-${site}-${appliance}`;
}

/** Whether a topic filter covers a topic (MQTT 5, §4.7; no filter here begins with a wildcard). */
export function matches(filter: string, topic: string): boolean {
  const [wanted, levels] = [filter.split("/"), topic.split("/")];
  const open = wanted.at(-1) === "#";
  if (open ? levels.length < wanted.length - 1 : levels.length !== wanted.length) return false;
  return wanted.every((level, index) => level === "#" || level === "+" || level === levels[index]);
}
