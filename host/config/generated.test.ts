import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { configJsonSchema } from "./json-schema.ts";
import { KEYS } from "./keys.ts";
import { configReference } from "./reference.ts";

const committed = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");

describe("the committed pages are current", () => {
  test("docs/config.md", () => expect(committed("config.md")).toBe(configReference()));
  test("docs/config.schema.json", () => expect(committed("config.schema.json")).toBe(configJsonSchema()));
});

test("the reference page has every key and its variable", () => {
  const page = configReference();
  for (const { name, env } of KEYS)
    expect(page).toContain(`| \`${name}\``.concat(page.includes(`\`${name}\` 🔒`) ? " 🔒" : "", ` | \`${env}\` |`));
});

describe("the JSON Schema", () => {
  const check = new Ajv2020({ strict: true }).compile(JSON.parse(configJsonSchema()));

  test("takes an empty file and one that sets keys", () => {
    expect(check({})).toBe(true);
    expect(check({ site: "a", mqtt: { url: null, embeddedPort: 0 }, device: { usb: { path: "/dev/ttyUSB0" } } })).toBe(
      true,
    );
  });

  test("refuses unknown keys and values out of range", () => {
    expect(check({ sight: "a" })).toBe(false);
    expect(check({ mqtt: { embeddedPort: 70_000 } })).toBe(false);
  });

  test("marks secrets", () => {
    expect(JSON.parse(configJsonSchema()).properties.mqtt.properties.password.writeOnly).toBe(true);
  });
});
