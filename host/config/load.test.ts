import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { effectiveConfig } from "./effective.ts";
import { ConfigError } from "./error.ts";
import { type LoadOptions, loadConfig } from "./load.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "lv06-config-"));
});
afterEach(() => rmSync(cwd, { recursive: true }));

function load(yaml: string | null, options: Partial<LoadOptions> = {}) {
  if (yaml !== null) writeFileSync(join(cwd, "a.yaml"), yaml);
  return loadConfig({ file: yaml === null ? null : "a.yaml", env: {}, cwd, installDir: "/opt/lv06", ...options });
}

function refusal(yaml: string | null, options: Partial<LoadOptions> = {}): ConfigError {
  try {
    load(yaml, options);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

/** The problems that a refused file is told about, without the framing. */
const problems = (yaml: string) => refusal(yaml).detail.trim().split("\n").slice(1);

describe("without a file", () => {
  test("every key has its default and says so", () => {
    const { config, origins, file } = load(null);
    expect(config.mqtt.embeddedPort).toBe(1883);
    expect(config.mqtt.url).toBeNull();
    expect(new Set(origins.values())).toEqual(new Set(["default"]));
    expect(file).toBeNull();
  });

  test("paths start at the working folder, the default model where the appliance is installed", () => {
    const { config } = load(null);
    expect(config.dataDir).toBe(join(cwd, "data"));
    expect(config.ingest.inboxDir).toBe(join(cwd, "data", "inbox"));
    expect(config.model.dir).toBe("/opt/lv06/models/kermany-resnet18-a");
  });
});

describe("the file", () => {
  test("is --config, else LV06_CONFIG, else lv06.yaml in the working folder", () => {
    writeFileSync(join(cwd, "lv06.yaml"), "site: usual");
    writeFileSync(join(cwd, "b.yaml"), "site: from-variable");
    expect(load(null).config.site).toBe("usual");
    expect(load(null, { env: { LV06_CONFIG: "b.yaml" } }).config.site).toBe("from-variable");
    expect(load("site: from-option", { env: { LV06_CONFIG: "b.yaml" } }).config.site).toBe("from-option");
  });

  test("sets keys and is named with the line as their origin", () => {
    const { config, origins } = load("# ours\nsite: ward-3\nmqtt:\n  url: mqtts://broker:8883\n");
    expect(config.site).toBe("ward-3");
    expect(config.mqtt.url).toBe("mqtts://broker:8883");
    expect(origins.get("site")).toBe("a.yaml:2");
    expect(origins.get("mqtt.url")).toBe("a.yaml:4");
    expect(origins.get("mqtt.username")).toBe("default");
  });

  test("may say auto for the device's port, which is no path", () => {
    const path = (text: string) => load(null, { env: { LV06_DEVICE_USB_PATH: text } }).config.device.usb.path;
    expect(path("auto")).toBe("auto");
    expect(path("./auto")).toBe(join(cwd, "auto"));
  });

  test("gives relative paths its own folder as their start", () => {
    mkdirSync(join(cwd, "etc"));
    writeFileSync(join(cwd, "etc", "c.yaml"), "dataDir: d\nmodel:\n  dir: m\nmqtt:\n  caFile: ca.pem\n");
    const { config } = load(null, { file: "etc/c.yaml" });
    expect(config.dataDir).toBe(join(cwd, "etc", "d"));
    expect(config.ingest.inboxDir).toBe(join(cwd, "etc", "d", "inbox"));
    expect(config.model.dir).toBe(join(cwd, "etc", "m"));
    expect(config.mqtt.caFile).toBe(join(cwd, "etc", "ca.pem"));
  });

  test("gives the paths in a list the same start", () => {
    mkdirSync(join(cwd, "etc"));
    writeFileSync(join(cwd, "etc", "c.yaml"), "ingest: {allowedDirs: [films, /srv/films, ../auto]}\n");
    const { config } = load(null, { file: "etc/c.yaml" });
    expect(config.ingest.allowedDirs).toEqual([join(cwd, "etc", "films"), "/srv/films", join(cwd, "auto")]);
    expect(load(null).config.ingest.allowedDirs).toEqual([]);
  });

  test("may be empty, and a section whose keys are commented out is an empty one", () => {
    expect(load("").config.site).toBe("local");
    expect(load("mqtt:\n  # url: mqtt://broker\nsite: a\n").config.mqtt.url).toBeNull();
  });

  test("is never written", () => {
    load("site: a\n", { env: { LV06_SITE: "b" } });
    expect(readFileSync(join(cwd, "a.yaml"), "utf8")).toBe("site: a\n");
    expect(statSync(join(cwd, "a.yaml")).mode & 0o777).toBe(0o666 & ~process.umask());
  });
});

describe("a file that cannot be used", () => {
  test("is missing", () => {
    expect(refusal(null, { file: "none.yaml" }).code).toBe("CONFIG_MISSING");
    expect(refusal(null, { env: { LV06_CONFIG: "none.yaml" } }).code).toBe("CONFIG_MISSING");
  });

  test("is a folder, or a device", () => {
    expect(refusal(null, { file: "." }).code).toBe("CONFIG_UNREADABLE");
    expect(refusal(null, { file: "/dev/null" }).code).toBe("CONFIG_UNREADABLE");
  });

  test("is not UTF-8", () => {
    writeFileSync(join(cwd, "latin.yaml"), Buffer.from([0x73, 0xff, 0xfe]));
    expect(refusal(null, { file: "latin.yaml" }).code).toBe("CONFIG_UNREADABLE");
  });

  test("is too large", () => {
    expect(refusal(`# ${"x".repeat(70_000)}`).code).toBe("CONFIG_TOO_LARGE");
  });

  test("reports thousands of problems as fifty and a count", () => {
    const lines = problems(Array.from({ length: 2_000 }, (_, index) => `zz${index}: 1`).join("\n"));
    expect(lines).toHaveLength(51);
    expect(lines.at(-1)).toBe("… and 1950 more");
  });
});

describe("a problem in the file names file, line, column, key, and what is allowed", () => {
  test.each([
    ["a wrong type", "site: 12", "a.yaml:1:7 site: 12 is not allowed; allowed: 1 to 40 of a–z, 0–9 and -"],
    [
      "out of range",
      "mqtt:\n  embeddedPort: 99999",
      "a.yaml:2:17 mqtt.embeddedPort: 99999 is not allowed; allowed: a whole number from 0 to 65535",
    ],
    [
      "text for a number",
      "ingest:\n  settleMs: soon",
      'a.yaml:2:13 ingest.settleMs: "soon" is not allowed; allowed: a whole number',
    ],
    [
      "a fraction for a whole number",
      "ingest: {settleMs: 1.5}",
      "a.yaml:1:20 ingest.settleMs: 1.5 is not allowed; allowed: a whole number",
    ],
    ["not a number at all", "policy: {deviceCheckFraction: .nan}", "a.yaml:1:31 policy.deviceCheckFraction:"],
    [
      "a word that is not offered",
      "mode: fast",
      'a.yaml:1:7 mode: "fast" is not allowed; allowed: one of inference, validation, training',
    ],
    ["nothing where something is needed", "mode:", "mode: nothing is not allowed"],
    ["a list for a value", "mqtt:\n  password: [a]", "a.yaml:2:13 mqtt.password: this value is not allowed"],
    [
      "a section for a value",
      "site: {a: 1}",
      "a.yaml:1:7 site: a section, or a list of more than plain values, is not allowed",
    ],
    ["a value for a section", "log: info", "a.yaml:1:6 log: is a section"],
    [
      "a misspelt key",
      "mqtt:\n  healthIntervallS: 3",
      "a.yaml:2:3 mqtt.healthIntervallS: is not a key; did you mean mqtt.healthIntervalS?",
    ],
    ["a misspelt section", "mqqt:\n  url: x", "a.yaml:1:1 mqqt: is not a key; did you mean mqtt?"],
    ["a key in the wrong section", "baud: 9600", "a.yaml:1:1 baud: is not a key; did you mean device.usb.baud?"],
    ["a key like no other", "zzzzzzzz: 1", "a.yaml:1:1 zzzzzzzz: is not a key; see docs/config.md"],
    ["a key of every object", "__proto__: {site: a}", "a.yaml:1:1 __proto__: is not a key"],
    ["a key given twice", "site: a\nmode: training\nsite: b", "a.yaml:3:1 site: is given twice"],
    ["an alias", "site: &x a\nappliance: *x", "a.yaml:2:12 appliance: aliases are not supported"],
    ["a merge", "<<: {site: a}", "a.yaml:1:1 <<: is not a key"],
    ["a tag", "site: !secret a", "a.yaml:1:7 not valid YAML: Unresolved tag: !secret"],
    ["broken YAML", "site: [a\nmode: b", "a.yaml:2:1 not valid YAML:"],
    ["a second document", "site: a\n---\nsite: b", "a.yaml:2:1 a second document begins here"],
    ["a list of things", "- a", "a.yaml:1:1 the file is not a list of keys"],
    ["an unknown scheme", "mqtt: {url: 'http://h'}", "a.yaml:1:13 mqtt.url:"],
  ])("%s", (_, yaml, expected) => {
    const lines = problems(yaml);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(expected);
  });

  test("all problems are listed at once, those of the environment too", () => {
    const { code, detail } = refusal("site: A\nlog:\n  level: loud\n", { env: { LV06_MODE: "fast" } });
    expect(code).toBe("CONFIG_INVALID");
    expect(detail).toContain("has 3 problems");
    expect(detail).toMatch(/a\.yaml:1:7 site: .*\na\.yaml:3:10 log\.level: .*\nenv LV06_MODE mode: /);
  });

  test("no message carries a password, not even one that was put into the URL", () => {
    const { message } = refusal("mqtt:\n  url: mqtt://u:hunter2@h\n  password: [hunter2]\n");
    expect(message).not.toContain("hunter2");
  });
});

describe("the effective configuration", () => {
  test("lists every key with its origin and hides a secret that is set", () => {
    const rows = effectiveConfig(load("mqtt:\n  password: hunter2\n", { env: { LV06_SITE: "b" } }));
    expect(rows.find(({ key }) => key === "mqtt.password")).toEqual({
      key: "mqtt.password",
      value: "…",
      origin: "a.yaml:2",
    });
    expect(rows.find(({ key }) => key === "site")).toEqual({ key: "site", value: "b", origin: "env LV06_SITE" });
    expect(JSON.stringify(rows)).not.toContain("hunter2");
  });

  test("shows that a secret is not set", () => {
    expect(effectiveConfig(load(null)).find(({ key }) => key === "mqtt.password")?.value).toBeNull();
  });
});
