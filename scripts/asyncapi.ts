/** The AsyncAPI document, from the same tables as messages, commands and their schemas. */
import { readFileSync } from "node:fs";
import { stringify } from "yaml";
import { z } from "zod";
import { COMMAND_NAMES, COMMANDS, type CommandName } from "../host/mqtt/commands.ts";
import { birthTopicOf, discoveryTopicOf } from "../host/mqtt/discovery.ts";
import { CONTENT_TYPE, dataSchemaOf, envelopeSchema, KINDS, TRAVEL, typeOf } from "../host/mqtt/envelope.ts";
import { DATA_SCHEMAS } from "../host/mqtt/messages.ts";
import { clientIdOf, commandTopicOf, type Kind, replyTopicOf, topicOf } from "../host/mqtt/topics.ts";

type Json = Readonly<Record<string, unknown>>;

const SITE_AND_APPLIANCE = { site: "{site}", appliance: "{appliance}" };
const PREFIX = "{homeAssistantPrefix}";
const BINDING = "0.2.0";
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

const KIND_SAYS: Readonly<Record<Kind, string>> = {
  status: "Whether the appliance is there: online, stopped, or offline, which is its last will.",
  info: "What the appliance is: versions, model, device, the key that signs. At every connect, and when it changes.",
  health: "How the appliance is, every mqtt.healthIntervalS seconds and at every change of an alarm.",
  result: "What was found in an image. Numbered per appliance without gaps; at least once, always under the same id.",
  seal: "A work proof over a batch of results, after they were published.",
  event: "What happened once: alarms, refused images, checks, late seals.",
  reply: "The answer to a command, below its id, or where the command's response topic says, below reply/ too.",
};

const ref = (...path: readonly string[]) => ({ $ref: `#/${path.join("/")}` });
const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
const commandKey = (name: CommandName) => `command${capital(name)}`;

/** Names that are not listed stay allowed, as in the published JSON Schemas. */
function openSchema(schema: z.ZodType): Json {
  const { $schema: _, ...open } = z.toJSONSchema(schema, {
    ...{ io: "input", target: "draft-7" },
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  return open;
}

function closedSchema(schema: z.ZodType): Json {
  const { $schema: _, ...closed } = z.toJSONSchema(schema, { io: "input", target: "draft-7" });
  return closed;
}

function messageSchema(kind: Kind): Json {
  const envelope = openSchema(envelopeSchema);
  return {
    ...envelope,
    properties: {
      ...(envelope.properties as Json),
      type: { const: typeOf(kind) },
      dataschema: { const: dataSchemaOf(kind) },
      data: ref("components", "schemas", kind),
    },
    required: [...(envelope.required as readonly string[]), "data"],
  };
}

const PARAMETERS: Json = {
  site: { description: "The appliance's site: 1 to 40 of a–z, 0–9 and -." },
  appliance: { description: "The appliance's name within its site: 1 to 40 of a–z, 0–9 and -." },
  correlation: { description: "The id of the command that is answered.", location: "$message.payload#/data/id" },
  homeAssistantPrefix: { description: "mqtt.homeAssistantPrefix.", default: "homeassistant" },
};

function channel(address: string, message: string, description: string): Json {
  const names = [...address.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  return {
    address,
    description,
    parameters: Object.fromEntries(names.map((name) => [name, ref("components", "parameters", name)])),
    messages: { [message]: ref("components", "messages", message) },
  };
}

function operation(
  action: "send" | "receive",
  channelName: string,
  summary: string,
  mqtt: Json,
  more: Json = {},
): Json {
  const bindings = { mqtt: { ...mqtt, bindingVersion: BINDING } };
  return { action, channel: ref("channels", channelName), summary, bindings, ...more };
}

function travelOf(kind: Kind): Json {
  const { qos, retain, expiryS } = TRAVEL[kind];
  return { qos, retain, ...(expiryS === null ? {} : { messageExpiryInterval: expiryS }) };
}

const commandSays = (name: CommandName) => `Asks the appliance: ${name}. See docs/mqtt.md, "Commands".`;

function channels(): Json {
  const kinds = KINDS.map((kind) => {
    const topic =
      kind === "reply" ? replyTopicOf(SITE_AND_APPLIANCE, "{correlation}") : topicOf(SITE_AND_APPLIANCE, kind);
    return [kind, channel(topic, kind, KIND_SAYS[kind])];
  });
  const commands = COMMAND_NAMES.map((name) => {
    const key = commandKey(name);
    return [key, channel(commandTopicOf(SITE_AND_APPLIANCE, name), key, commandSays(name))];
  });
  return {
    ...Object.fromEntries([...kinds, ...commands]),
    discovery: channel(
      discoveryTopicOf(PREFIX, SITE_AND_APPLIANCE),
      "discovery",
      "What Home Assistant needs to show the appliance's health. Only where mqtt.homeAssistantPrefix is set.",
    ),
    homeAssistant: channel(birthTopicOf(PREFIX), "birth", "Home Assistant says that it has started."),
  };
}

function operations(): Json {
  const sent = KINDS.filter((kind) => kind !== "reply").map((kind) => [
    `send${capital(kind)}`,
    operation("send", kind, KIND_SAYS[kind], travelOf(kind)),
  ]);
  const answered = COMMAND_NAMES.map((name) => [
    `answer${capital(name)}`,
    operation(
      "receive",
      commandKey(name),
      commandSays(name),
      { qos: 1, retain: false },
      {
        reply: { channel: ref("channels", "reply"), messages: [ref("channels", "reply", "messages", "reply")] },
      },
    ),
  ]);
  return {
    ...Object.fromEntries([...sent, ...answered]),
    sendReply: operation("send", "reply", KIND_SAYS.reply, travelOf("reply")),
    sendDiscovery: operation("send", "discovery", "At every connect, and when Home Assistant starts.", {
      ...{ qos: 1, retain: true },
    }),
    hearHomeAssistant: operation("receive", "homeAssistant", "Discovery is said again, within 5 s.", { qos: 1 }),
  };
}

function messages(): Json {
  const kinds = KINDS.map((kind) => [
    kind,
    {
      ...{ name: typeOf(kind), title: `${capital(kind)}, a CloudEvent in structured mode`, contentType: CONTENT_TYPE },
      payload: messageSchema(kind),
      bindings: { mqtt: { payloadFormatIndicator: 1, contentType: CONTENT_TYPE, bindingVersion: BINDING } },
    },
  ]);
  const commands = COMMAND_NAMES.map((name) => [
    commandKey(name),
    {
      ...{ name, title: `Command ${name}`, contentType: "application/json" },
      payload: ref("components", "schemas", commandKey(name)),
    },
  ]);
  return {
    ...Object.fromEntries([...kinds, ...commands]),
    discovery: {
      ...{ name: "discovery", title: "Device discovery of Home Assistant", contentType: "application/json" },
      payload: { type: "object", required: ["device", "origin", "components"] },
    },
    birth: { name: "birth", contentType: "text/plain", payload: { type: "string" } },
  };
}

function document(): Json {
  const data = KINDS.map((kind) => [kind, openSchema(DATA_SCHEMAS[kind])]);
  const commands = COMMAND_NAMES.map((name) => [commandKey(name), closedSchema(COMMANDS[name])]);
  return {
    asyncapi: "3.0.0",
    info: {
      title: "LV06 edge appliance",
      version,
      description:
        "What an appliance says over MQTT, and what it can be asked. Research use only. Payloads are CloudEvents 1.0 in structured mode; a subscriber drops an id that it has seen, and ignores names that it does not know.",
      license: { name: "MIT" },
    },
    defaultContentType: CONTENT_TYPE,
    servers: {
      broker: {
        host: "broker.example:8883",
        protocol: "mqtts",
        protocolVersion: "5",
        description:
          "mqtt.url. MQTT 3.1.1 is spoken where the broker knows no MQTT 5: without expiry, content type and correlation data.",
        security: [
          ref("components", "securitySchemes", "certificate"),
          ref("components", "securitySchemes", "password"),
        ],
        bindings: {
          mqtt: {
            ...{ clientId: clientIdOf(SITE_AND_APPLIANCE), cleanSession: true, keepAlive: 30 },
            lastWill: {
              topic: topicOf(SITE_AND_APPLIANCE, "status"),
              qos: 1,
              retain: true,
              message: "status, offline",
            },
            bindingVersion: BINDING,
          },
        },
      },
    },
    channels: channels(),
    operations: operations(),
    components: {
      parameters: PARAMETERS,
      messages: messages(),
      schemas: Object.fromEntries([...data, ...commands]),
      securitySchemes: {
        certificate: { type: "X509", description: "mqtt.certFile and mqtt.keyFile." },
        password: { type: "userPassword", description: "mqtt.username and mqtt.password." },
      },
    },
  };
}

const HEAD = "# Generated by `make generate` from host/mqtt; a test holds it to the sources and to real messages.\n";

/** YAML. */
export function asyncApiText(): string {
  return HEAD + stringify(document(), { lineWidth: 0, aliasDuplicateObjects: false });
}
