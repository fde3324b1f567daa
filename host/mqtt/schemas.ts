/**
 * The published JSON Schemas (2020-12), one a kind of message, made from `messages.ts`, and one a command.
 * Run this file to write them anew: `node host/mqtt/schemas.ts`.
 */
import { writeFileSync } from "node:fs";
import { z } from "zod";
import { COMMAND_NAMES, COMMANDS, type CommandName } from "./commands.ts";
import { dataSchemaOf, envelopeSchema, KINDS, typeOf } from "./envelope.ts";
import { DATA_SCHEMAS } from "./messages.ts";
import type { Kind } from "./topics.ts";

/** Where the schemas are published. */
export const SCHEMA_FOLDER = new URL("./schemas/", import.meta.url);

export function schemaFileOf(kind: Kind): string {
  return `${kind}.schema.json`;
}

/**
 * The schema of a whole message; that of its data is inside, under the name that `dataschema` gives.
 * @returns the file's text
 */
export function schemaText(kind: Kind): string {
  const { $schema, ...envelope } = openSchema(envelopeSchema);
  const { $schema: _, ...data } = openSchema(DATA_SCHEMAS[kind]);
  const schema = {
    $schema,
    $id: `urn:lv06:message:${kind}:1`,
    title: `LV06 ${kind} message, a CloudEvent in structured mode`,
    ...envelope,
    properties: {
      ...envelope.properties,
      type: { const: typeOf(kind) },
      dataschema: { const: dataSchemaOf(kind) },
      data: { $ref: dataSchemaOf(kind) },
    },
    required: [...(envelope.required ?? []), "data"],
    $defs: { data: { $id: dataSchemaOf(kind), ...data } },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

export function commandFileOf(name: CommandName): string {
  return `cmd-${name}.schema.json`;
}

/** The schema of a command's payload. Unlike a message's it is closed: a name that is not listed is refused. */
export function commandText(name: CommandName): string {
  const { $schema, ...command } = z.toJSONSchema(COMMANDS[name], { io: "input" });
  const $id = `urn:lv06:command:${name}:1`;
  return `${JSON.stringify({ $schema, $id, title: `LV06 command, published to cmd/${name}`, ...command }, null, 2)}\n`;
}

/** Every file of the folder: name and text. */
export function schemaFiles(): readonly (readonly [file: string, text: string])[] {
  return [
    ...KINDS.map((kind) => [schemaFileOf(kind), schemaText(kind)] as const),
    ...COMMAND_NAMES.map((name) => [commandFileOf(name), commandText(name)] as const),
  ];
}

/** Names that are not listed stay allowed: a subscriber skips what it does not know. */
function openSchema(schema: z.ZodType): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(schema, {
    io: "input",
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
}

if (import.meta.main) {
  for (const [file, text] of schemaFiles()) writeFileSync(new URL(file, SCHEMA_FOLDER), text);
}
