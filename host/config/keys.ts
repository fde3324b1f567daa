/** The schema's leaves as a flat list: what environment variables, error messages and the reference page work on. */
import { z } from "zod";
import { ConfigSchema, NOTES } from "./schema.ts";

export type KeyType = "integer" | "number" | "text" | "list";

export interface Key {
  /** Dotted, as in messages and the reference page: `mqtt.healthIntervalS`. */
  readonly name: string;
  readonly path: readonly string[];
  /** `LV06_MQTT_HEALTH_INTERVAL_S` */
  readonly env: string;
  readonly type: KeyType;
  readonly nullable: boolean;
  readonly secret: boolean;
  /** Of a list: every item is one. */
  readonly isPath: boolean;
  /** Of a path: the one value that is none. */
  readonly word: string | null;
  readonly preset: unknown;
  /** What the value may be, in words. */
  readonly allowed: string;
  readonly description: string;
  readonly schema: z.ZodType;
}

export interface Section {
  readonly name: string;
  readonly description: string;
}

interface Node {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly anyOf?: readonly Node[];
  readonly default?: unknown;
  readonly description?: string;
}

/** `["mqtt", "healthIntervalS"]` → `LV06_MQTT_HEALTH_INTERVAL_S`; the unit MiB stays one word. */
export function envName(path: readonly string[]): string {
  const words = path.map((part) => part.replace("MiB", "Mib").replace(/([a-z0-9])([A-Z])/g, "$1_$2"));
  return `LV06_${words.join("_").toUpperCase()}`;
}

function typeOf(node: Node): KeyType {
  switch (node.type) {
    case "integer":
    case "number":
      return node.type;
    case "string":
      return "text";
    case "array":
      return "list";
    default:
      throw new Error(`a configuration key of type ${node.type} needs a reading of its own in environment.ts`);
  }
}

function allowedIn(node: Node): string {
  if (node.enum !== undefined) return `one of ${node.enum.join(", ")}`;
  if (node.type === "integer") return `a whole number from ${node.minimum} to ${node.maximum}`;
  if (node.type === "number") return `a number from ${node.minimum} to ${node.maximum}`;
  if (node.type === "array") return `a list of at most ${node.maxItems}`;
  return `text of ${node.minLength} to ${node.maxLength} characters`;
}

function leaf(path: readonly string[], schema: z.ZodType): Key {
  const whole = z.toJSONSchema(schema, { io: "input" }) as Node;
  const bare = whole.anyOf?.find((node) => node.type !== "null") ?? whole;
  const nullable = whole.anyOf !== undefined;
  const note = NOTES.get(schema) ?? {};
  return {
    name: path.join("."),
    path,
    env: envName(path),
    type: typeOf(bare),
    nullable,
    secret: note.secret === true,
    isPath: note.path === true,
    word: note.word ?? null,
    preset: whole.default,
    allowed: `${note.allowed ?? allowedIn(bare)}${nullable ? ", or nothing" : ""}`,
    description: whole.description ?? "",
    schema,
  };
}

/** The object schema behind a section's default, or undefined for a leaf. */
function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | undefined {
  const inner = schema instanceof z.ZodPrefault ? schema.unwrap() : schema;
  return inner instanceof z.ZodObject ? (inner.shape as Record<string, z.ZodType>) : undefined;
}

function collect(schema: z.ZodType, path: readonly string[], keys: Key[], sections: Section[]): void {
  const shape = shapeOf(schema);
  if (shape === undefined) {
    keys.push(leaf(path, schema));
    return;
  }
  sections.push({ name: path.join("."), description: schema.meta()?.description ?? "" });
  for (const [name, child] of Object.entries(shape)) collect(child, [...path, name], keys, sections);
}

const keys: Key[] = [];
const sections: Section[] = [];
collect(ConfigSchema, [], keys, sections);

/** Every key, in the schema's order. */
export const KEYS: readonly Key[] = keys;
/** Every section that holds keys, in the schema's order; the first, with an empty name, is the whole. */
export const SECTIONS: readonly Section[] = sections;
