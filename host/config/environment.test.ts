import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Environment, RESERVED_VARIABLES } from "./environment.ts";
import { envName, KEYS, type Key } from "./keys.ts";
import { loadConfig, valueAt } from "./load.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "lv06-config-"));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const load = (env: Environment) => loadConfig({ file: null, env, cwd, installDir: cwd });

/** Of keys whose text, or whose list's items, have a form of their own. */
const FORMS: Readonly<Record<string, RegExp>> = {
  "device.miners": /^(axeos|s9):\/\/[a-z]{1,9}@192\.168\.0\.[1-9]$/,
  "mqtt.serverName": /^[a-z]{1,9}\.local$/,
  "mqtt.url": /^mqtts:\/\/broker:[1-9][0-9]{0,3}$/,
  "privacy.siteKey": /^[0-9a-f]{64}$/,
  "quality.population.ageYears": /^[1-9]-[1-9][0-9]$/,
  "quality.population.bodyPart": /^[A-Z0-9_]{1,16}$/,
  "quality.population.modality": /^[A-Z]{2}$/,
  "quality.population.view": /^[A-Z]{2}$/,
  "store.encryptionKey": /^[0-9A-F]{64}(\n[A-Za-z0-9+/]{43}=){0,3}$/,
};

function formOf({ name, type, isPath }: Key): RegExp {
  if (isPath) return /^\/[a-z]{1,20}$/;
  if (/\.(listen|advertise)$/.test(name)) return /^127\.0\.0\.1:[1-9][0-9]{0,3}$/;
  return FORMS[name] ?? (type === "list" ? /^[a-z0-9.-]{1,20}$/ : /^[a-z0-9-]{1,40}$/);
}

/** Any legal value of a key but its default, as text and as it is loaded. */
function legal(key: Key): fc.Arbitrary<{ readonly text: string; readonly value: unknown }> {
  const range = /from ([\d.e-]+) to ([\d.e-]+)/.exec(key.allowed);
  const [min, max] = [Number(range?.[1]), Number(range?.[2])];
  const choices = /^one of (.*)$/.exec(key.allowed)?.[1]?.split(", ");
  const asNumber = (number: fc.Arbitrary<number>) => number.map((value) => ({ text: String(value), value }));
  if (key.type === "integer") return asNumber(fc.integer({ min, max }));
  if (key.type === "number")
    return asNumber(fc.double({ min, max, noNaN: true }).map((n) => Math.max(Number(n.toFixed(6)), 1e-6)));
  const text = choices === undefined ? fc.stringMatching(formOf(key)) : fc.constantFrom(...choices);
  if (key.type === "text") return text.map((value) => ({ text: value, value }));
  return fc.array(text, { maxLength: 5 }).map((items) => ({ text: items.join(", "), value: items }));
}

describe("every key", () => {
  test("has a variable that no other key has, its file form and the reserved ones included", () => {
    const names = [...KEYS.flatMap(({ env }) => [env, `${env}_FILE`]), ...RESERVED_VARIABLES];
    expect(new Set(names).size).toBe(names.length);
    expect(KEYS.length).toBeGreaterThan(30);
  });

  test("has a description, a stated range, and a default that is legal", () => {
    for (const key of KEYS) {
      expect(key.description, key.name).not.toBe("");
      expect(key.allowed, key.name).not.toContain("undefined");
      expect(key.schema.safeParse(key.preset).success, key.name).toBe(true);
    }
  });

  test("with a unit in its meaning has it in its name", () => {
    for (const { name, description } of KEYS) {
      const unit = /, in (ms|s|MiB|bytes|pixels|baud)/.exec(description)?.[1];
      const ending = { ms: /Ms$/, s: /S$/, MiB: /MiB$/, bytes: /Bytes$/, pixels: /Px$/ }[unit ?? ""];
      if (ending !== undefined) expect(name).toMatch(ending);
    }
  });

  test.each(KEYS.map((key) => [key.name, key] as const))("can be set by its variable: %s", (_, key) => {
    fc.assert(
      fc.property(legal(key), ({ text, value }) => {
        const { config, origins } = load({ [key.env]: text });
        expect(valueAt(config, key)).toEqual(value);
        expect([...origins].filter(([, origin]) => origin !== "default")).toEqual([[key.name, `env ${key.env}`]]);
      }),
      { numRuns: 20 },
    );
  });

  test.each(KEYS.filter(({ nullable }) => nullable).map((key) => [key.name, key] as const))(
    "that may be nothing is so when its variable is empty: %s",
    (_, key) => {
      writeFileSync(join(cwd, "lv06.yaml"), "mqtt: {url: 'mqtt://h', username: u, password: p, caFile: c}\n");
      const value = valueAt(load({ [key.env]: "" }).config, key);
      expect(value).toBe(key.name === "ingest.inboxDir" ? join(cwd, "data", "inbox") : null);
    },
  );
});

test("names of variables are the key's words in capitals", () => {
  expect(envName(["mqtt", "healthIntervalS"])).toBe("LV06_MQTT_HEALTH_INTERVAL_S");
  expect(envName(["raster", "memoryMiB"])).toBe("LV06_RASTER_MEMORY_MIB");
  expect(envName(["device", "usb", "path"])).toBe("LV06_DEVICE_USB_PATH");
});

test("a variable wins over the file", () => {
  writeFileSync(join(cwd, "lv06.yaml"), "site: from-file\nappliance: from-file\n");
  const { config } = load({ LV06_SITE: "from-env" });
  expect([config.site, config.appliance]).toEqual(["from-env", "from-file"]);
});

describe("a variable is refused", () => {
  test.each([
    [
      "when it is misspelt",
      { LV06_MQTT_PASWORD: "hunter2" },
      "env LV06_MQTT_PASWORD: is not a variable; did you mean LV06_MQTT_PASSWORD?",
    ],
    [
      "when it is like no other",
      { LV06_ZZZZZZZZZZZZZZ: "1" },
      "env LV06_ZZZZZZZZZZZZZZ: is not a variable; see docs/config.md",
    ],
    [
      "when it is out of range",
      { LV06_MQTT_HEALTH_INTERVAL_S: "0" },
      "env LV06_MQTT_HEALTH_INTERVAL_S mqtt.healthIntervalS: 0 is not allowed; allowed: a whole number from 1 to 3600",
    ],
    ["when it is no number", { LV06_MQTT_HEALTH_INTERVAL_S: "0x10" }, '"0x10" is not allowed'],
    ["when it is empty and may not be", { LV06_INGEST_SETTLE_MS: "" }, '"" is not allowed'],
    [
      "when it names a file for what is no secret",
      { LV06_MQTT_URL_FILE: "f" },
      "only secrets can come from a file; set LV06_MQTT_URL",
    ],
    [
      "when the secret's file is absent",
      { LV06_MQTT_PASSWORD_FILE: "none" },
      "env LV06_MQTT_PASSWORD_FILE mqtt.password: there is no file none",
    ],
    ["when the secret's file is a folder", { LV06_MQTT_PASSWORD_FILE: "." }, "the secret's file cannot be read"],
    [
      "when the secret is given twice",
      { LV06_MQTT_PASSWORD_FILE: "f", LV06_MQTT_PASSWORD: "hunter2" },
      "set one of the two",
    ],
  ] as const)("%s", (_, env, expected) => {
    expect(() => load(env)).toThrow(expected);
    expect(() => load(env)).not.toThrow("hunter2");
  });
});

test("reserved variables and other programs' variables are left alone", () => {
  const { config } = load({
    LV06_NODE: "/n",
    LV06_TEST_REQUIRE_ALL: "1",
    LV06_CONFIG: "",
    LV07_SITE: "x",
    PATH: "/bin",
  });
  expect(config.site).toBe("local");
});

describe("a secret", () => {
  test("comes from the file that its variable names, without the final newline", () => {
    writeFileSync(join(cwd, "secret"), " pass word \n");
    const { config, origins } = load({ LV06_MQTT_PASSWORD_FILE: "secret" });
    expect(config.mqtt.password).toBe(" pass word ");
    expect(origins.get("mqtt.password")).toBe("env LV06_MQTT_PASSWORD_FILE");
  });

  test("comes from the systemd credential that is called like the key", () => {
    writeFileSync(join(cwd, "mqtt.password"), "hunter2");
    const { config, origins } = load({ CREDENTIALS_DIRECTORY: cwd });
    expect(config.mqtt.password).toBe("hunter2");
    expect(origins.get("mqtt.password")).toBe("credential");
  });

  test("from a variable wins over the credential, and the credential over the file", () => {
    writeFileSync(join(cwd, "mqtt.password"), "credential");
    writeFileSync(join(cwd, "lv06.yaml"), "mqtt: {password: file}");
    expect(load({ CREDENTIALS_DIRECTORY: cwd }).config.mqtt.password).toBe("credential");
    const both = { CREDENTIALS_DIRECTORY: cwd, LV06_MQTT_PASSWORD: "variable" };
    expect(load(both).config.mqtt.password).toBe("variable");
  });

  test("may have several lines, the last without its newline", () => {
    const [first, second] = ["0123456789abcdef".repeat(4), "fedcba9876543210".repeat(4)];
    writeFileSync(join(cwd, "store.encryptionKey"), `${first}\n${second}\n`);
    expect(load({ CREDENTIALS_DIRECTORY: cwd }).config.store.encryptionKey).toBe(`${first}\n${second}`);
  });

  test("of the wrong form is refused without being shown", () => {
    const short = "ab".repeat(31);
    for (const name of ["LV06_STORE_ENCRYPTION_KEY", "LV06_PRIVACY_SITE_KEY"]) {
      expect(() => load({ [name]: short })).toThrow(`env ${name}`);
      expect(() => load({ [name]: short })).not.toThrow(short);
    }
  });

  test("may be the user's name at the broker too", () => {
    writeFileSync(join(cwd, "mqtt.username"), "ward-3\n");
    expect(load({ CREDENTIALS_DIRECTORY: cwd }).config.mqtt.username).toBe("ward-3");
  });

  test("may be absent from the credentials, or empty there, which hides nothing", () => {
    expect(load({ CREDENTIALS_DIRECTORY: cwd }).config.mqtt.password).toBeNull();
    writeFileSync(join(cwd, "mqtt.password"), "\n");
    writeFileSync(join(cwd, "lv06.yaml"), "mqtt: {password: file}");
    expect(load({ CREDENTIALS_DIRECTORY: cwd }).config.mqtt.password).toBe("file");
  });
});
