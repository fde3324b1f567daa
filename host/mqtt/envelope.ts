/** CloudEvents 1.0 in structured mode around the data, and how each kind travels. */
import { z } from "zod";
import { errorMessage } from "../base/error.ts";
import type { OutboxMessage } from "../store/schema.ts";
import { MqttError } from "./errors.ts";
import { DATA_SCHEMAS, type DataOf } from "./messages.ts";
import { type Identity, type Kind, sourceOf, topicOf } from "./topics.ts";

export const CONTENT_TYPE = "application/cloudevents+json";

const DAY_S = 86_400;

interface Travel {
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** How long a broker keeps it for an absent subscriber, where it speaks MQTT 5. */
  readonly expiryS: number | null;
}

export const TRAVEL: Readonly<Record<Kind, Travel>> = {
  status: { qos: 1, retain: true, expiryS: null },
  info: { qos: 1, retain: true, expiryS: null },
  health: { qos: 0, retain: false, expiryS: 90 },
  result: { qos: 1, retain: false, expiryS: 7 * DAY_S },
  seal: { qos: 1, retain: false, expiryS: 7 * DAY_S },
  event: { qos: 1, retain: false, expiryS: 7 * DAY_S },
  reply: { qos: 1, retain: false, expiryS: 60 },
};

export const envelopeSchema = z.object({
  specversion: z.literal("1.0"),
  /** The same at every redelivery: a subscriber drops what it has seen. */
  id: z.string().min(1).max(128),
  source: z.string().regex(/^\/lv06\/v1\/[a-z0-9-]{1,40}\/[a-z0-9-]{1,40}$/),
  type: z.string(),
  time: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  datacontenttype: z.literal("application/json"),
  dataschema: z.string(),
});

export interface Head {
  readonly id: string;
  readonly utcMs: number;
  /** Instead of the kind's own. */
  readonly expiryS?: number;
  /** Instead of the kind's own: a reply's. */
  readonly topic?: string;
}

export type Received = {
  [K in Kind]: { readonly kind: K; readonly id: string; readonly source: string; readonly data: DataOf[K] };
}[Kind];

/** Stands in `type`; what a rule engine filters by. */
export function typeOf(kind: Kind): string {
  return `lv06.${kind}.v1`;
}

/** Stands in `dataschema`, and as `$id` in the published schema. */
export function dataSchemaOf(kind: Kind): string {
  return `urn:lv06:data:${kind}:1`;
}

/**
 * One message, ready for the outbox or the broker.
 * @throws MqttError MQTT_MESSAGE when the data do not fit the kind's schema
 */
export function makeMessage<K extends Kind>(identity: Identity, kind: K, head: Head, data: DataOf[K]): OutboxMessage {
  const event = {
    specversion: "1.0",
    id: head.id,
    source: sourceOf(identity),
    type: typeOf(kind),
    time: new Date(head.utcMs).toISOString(),
    datacontenttype: "application/json",
    dataschema: dataSchemaOf(kind),
    data: checked(kind, data),
  };
  const { qos, retain, expiryS } = TRAVEL[kind];
  return {
    messageId: head.id,
    topic: head.topic ?? topicOf(identity, kind),
    qos,
    retain,
    contentType: CONTENT_TYPE,
    expiryS: head.expiryS ?? expiryS,
    payload: Buffer.from(JSON.stringify(event)),
  };
}

/** A result's message; its id is the result's, so that a redelivery is known as one. */
export function makeResultMessage(identity: Identity, data: DataOf["result"]): OutboxMessage {
  return makeMessage(identity, "result", { id: `result-${data.resultId}`, utcMs: data.time.utcMs }, data);
}

/** A seal's message; its id is the sealed value's, so that a redelivery is known as one. */
export function makeSealMessage(identity: Identity, data: DataOf["seal"]): OutboxMessage {
  return makeMessage(identity, "seal", { id: `seal-${data.sealedValue}`, utcMs: data.utcMs }, data);
}

/**
 * What a subscriber received, checked.
 * @throws MqttError MQTT_MESSAGE when it is not a message of this version
 */
export function readMessage(payload: Uint8Array): Received {
  let event: unknown;
  try {
    event = JSON.parse(Buffer.from(payload).toString("utf8"));
  } catch (error) {
    throw new MqttError("MQTT_MESSAGE", errorMessage(error), { cause: error });
  }
  const envelope = envelopeSchema.extend({ data: z.unknown() }).safeParse(event);
  if (!envelope.success) throw new MqttError("MQTT_MESSAGE", z.prettifyError(envelope.error));
  const { type, id, source, data } = envelope.data;
  const kind = KINDS.find((one) => typeOf(one) === type);
  if (kind === undefined) throw new MqttError("MQTT_MESSAGE", `unknown type ${type}`);
  return { kind, id, source, data: checked(kind, data) } as Received;
}

export const KINDS = Object.keys(DATA_SCHEMAS) as readonly Kind[];

function checked(kind: Kind, data: unknown): unknown {
  const verdict = DATA_SCHEMAS[kind].safeParse(data);
  if (!verdict.success) throw new MqttError("MQTT_MESSAGE", `${kind}: ${z.prettifyError(verdict.error)}`);
  return verdict.data;
}
