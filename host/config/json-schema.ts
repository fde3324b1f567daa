import { z } from "zod";
import { ConfigSchema } from "./schema.ts";

/** `docs/config.schema.json`: what an editor needs to complete and check a configuration file. */
export function configJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(ConfigSchema, { io: "input" }), null, 2)}\n`;
}
