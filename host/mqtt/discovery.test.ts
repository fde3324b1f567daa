import { expect, test } from "vitest";
import { discoveryTopicOf, makeDiscoveryMessage } from "./discovery.ts";
import * as samples from "./testing/samples.ts";

const OPTIONS = { prefix: "homeassistant", identity: samples.IDENTITY, version: "1.2.3", healthIntervalS: 30 };
const message = makeDiscoveryMessage(OPTIONS);
const config = JSON.parse(Buffer.from(message.payload).toString());
const components: Record<string, Record<string, string>> = config.components;

test("one retained message at Home Assistant's topic for devices", () => {
  expect(message).toMatchObject({
    topic: "homeassistant/device/lv06_clinic_box-1/config",
    retain: true,
    qos: 1,
    expiryS: null,
  });
});

test("device and origin, without which Home Assistant takes none", () => {
  expect(config.device).toMatchObject({ identifiers: ["lv06_clinic_box-1"], sw_version: "1.2.3" });
  expect(config.origin.name).toBe("lv06-edge-appliance");
});

test("available is who is online, by the retained status, and nobody who stopped: in Home Assistant's two words only", () => {
  const template = "{{ 'online' if value_json.data.state == 'online' else 'offline' }}";
  expect(config.availability).toEqual([{ topic: "lv06/v1/clinic/box-1/status", value_template: template }]);
});

test("every entity is diagnostic, has a name of its own for ever, and expires with the third missed health", () => {
  const names = Object.entries(components).map(([key, entity]) => {
    expect(entity, key).toMatchObject({ entity_category: "diagnostic", expire_after: 90 });
    return entity.unique_id;
  });
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain("lv06_clinic_box-1_problem");
});

test("what the templates read is there in a health message", () => {
  const paths = Object.values(components).flatMap(({ value_template = "" }) => {
    return [...value_template.matchAll(/value_json\.([a-zA-Z0-9.]+)( \| default\(none\))?/g)];
  });
  expect(paths.length).toBe(Object.keys(components).length);
  for (const [, path = "", optional] of paths) {
    const value = path.split(".").reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], {
      data: samples.health,
    });
    if (optional === undefined) expect(value, path).toBeDefined();
  }
});

test("it names no result, no reference and no event", () => {
  const text = Buffer.from(message.payload).toString();
  expect(text).not.toMatch(/\/result|\/event|\/seal|reference/);
  expect(config.state_topic).toBe("lv06/v1/clinic/box-1/health");
});

test("appliances whose names together are alike keep apart", () => {
  const topics = [
    discoveryTopicOf("homeassistant", { site: "a-b", appliance: "c" }),
    discoveryTopicOf("homeassistant", { site: "a", appliance: "b-c" }),
  ];
  expect(new Set(topics).size).toBe(2);
});
