/**
 * Writes `host/seal/vectors/`, to be formatted with `biome check --write host/seal/vectors` afterwards. Published
 * vectors may be added to; one that changes asks for a new version of the format.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { vectorFiles } from "./vector-files.ts";

const folder = join(import.meta.dirname, "../vectors");
mkdirSync(folder, { recursive: true });
for (const [name, text] of vectorFiles()) writeFileSync(join(folder, name), text);
