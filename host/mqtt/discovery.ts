/**
 * The appliance as a device of Home Assistant: one retained message says which figures of `health` and `status` are which
 * entities. Health only: no result and no reference is ever named in it. Pure.
 *
 * The names of its fields are Home Assistant's (MQTT integration, "device discovery").
 */
import type { OutboxMessage } from "../store/schema.ts";
import { type Identity, topicOf } from "./topics.ts";

export interface DiscoveryOptions {
  /** Home Assistant's own: usually homeassistant. */
  readonly prefix: string;
  readonly identity: Identity;
  readonly version: string;
  /** How often `health` comes; an entity without news for three times that is shown as unavailable. */
  readonly healthIntervalS: number;
}

type Entity = Readonly<Record<string, string | number | boolean>>;

const MISSED = 3;

export function discoveryTopicOf(prefix: string, identity: Identity): string {
  return `${prefix}/device/${objectIdOf(identity)}/config`;
}

/** Where Home Assistant says that it has started, and wants to hear of every device again. */
export function birthTopicOf(prefix: string): string {
  return `${prefix}/status`;
}

export function makeDiscoveryMessage({ prefix, identity, version, healthIntervalS }: DiscoveryOptions): OutboxMessage {
  const objectId = objectIdOf(identity);
  const device = {
    identifiers: [objectId],
    name: `LV06 ${identity.site} ${identity.appliance}`,
    model: "LV06 edge appliance (research use only)",
    sw_version: version,
  };
  const config = {
    device,
    origin: { name: "lv06-edge-appliance", sw_version: version },
    availability: [
      {
        topic: topicOf(identity, "status"),
        // Home Assistant passes over what is neither of its two words: `stopped` would leave everything available.
        value_template: "{{ 'online' if value_json.data.state == 'online' else 'offline' }}",
      },
    ],
    state_topic: topicOf(identity, "health"),
    components: Object.fromEntries(
      Object.entries(ENTITIES).map(([key, entity]) => [
        key,
        {
          ...entity,
          unique_id: `${objectId}_${key}`,
          entity_category: "diagnostic",
          expire_after: MISSED * healthIntervalS,
        },
      ]),
    ),
  };
  return {
    messageId: `discovery-${objectId}`,
    topic: discoveryTopicOf(prefix, identity),
    qos: 1,
    retain: true,
    contentType: "application/json",
    expiryS: null,
    payload: Buffer.from(JSON.stringify(config)),
  };
}

/** Names hold no `_`, so no two appliances share one. */
function objectIdOf({ site, appliance }: Identity): string {
  return `lv06_${site}_${appliance}`;
}

function reading(name: string, path: string, more: Entity = {}): Entity {
  return {
    platform: "sensor",
    name,
    value_template: `{{ value_json.data.${path} }}`,
    state_class: "measurement",
    ...more,
  };
}

/** What need not be there: nothing rather than an error in Home Assistant's log. */
function optional(name: string, path: string, more: Entity = {}): Entity {
  return { ...reading(name, path, more), value_template: `{{ value_json.data.${path} | default(none) }}` };
}

function binary(name: string, condition: string, deviceClass: string): Entity {
  const template = `{{ 'ON' if ${condition} else 'OFF' }}`;
  return { platform: "binary_sensor", name, value_template: template, device_class: deviceClass };
}

const BYTES: Entity = { device_class: "data_size", unit_of_measurement: "B" };

const ENTITIES: Readonly<Record<string, Entity>> = {
  problem: binary("Problem", "value_json.data.alarms | length > 0", "problem"),
  alarms: {
    ...{ platform: "sensor", name: "Alarms" },
    value_template: "{{ value_json.data.alarms | join(', ') | default('none', true) | truncate(250, true) }}",
  },
  model: binary("Model serves", "'not-assessing' not in value_json.data.modes", "running"),
  device: { platform: "sensor", name: "Hashing device", value_template: "{{ value_json.data.device.state }}" },
  outbox: reading("Messages waiting", "outbox.rows"),
  inbox: reading("Images waiting", "queues.inbox"),
  waiting_for_seal: reading("Results waiting for a seal", "sealing.waiting"),
  disk_free: optional("Disk free", "machine.diskFreeBytes", BYTES),
  memory: reading("Memory of the main process", "process.rssBytes", BYTES),
  cpu_temperature: optional("Processor temperature", "machine.cpuTempC", {
    ...{ device_class: "temperature", unit_of_measurement: "°C" },
  }),
  uptime: reading("Uptime", "process.uptimeS", { device_class: "duration", unit_of_measurement: "s" }),
};
