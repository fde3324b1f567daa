/** Writes the files that are made from the sources; tests hold them to be current. */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { configJsonSchema } from "../host/config/json-schema.ts";
import { configReference } from "../host/config/reference.ts";
import { schemaFiles } from "../host/mqtt/schemas.ts";
import { asyncApiText } from "./asyncapi.ts";
import { errorReference } from "./error-reference.ts";

const root = resolve(import.meta.dirname, "..");
const write = (path: string, text: string) => writeFileSync(resolve(root, path), text);

write("docs/config.schema.json", configJsonSchema());
write("docs/config.md", configReference());
write("docs/errors.md", errorReference());
write("docs/asyncapi.yaml", asyncApiText());
for (const [file, text] of schemaFiles()) write(`host/mqtt/schemas/${file}`, text);
