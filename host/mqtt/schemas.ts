/**
 * The published JSON Schemas (2020-12), one a kind of message, made from `messages.ts`.
 * Run this file to write them anew: `node host/mqtt/schemas.ts`.
 */
import { writeFileSync } from "node:fs";
import { z } from "zod";
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
  for (const kind of KINDS) writeFileSync(new URL(schemaFileOf(kind), SCHEMA_FOLDER), schemaText(kind));
}
