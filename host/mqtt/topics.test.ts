import { expect, test } from "vitest";
import { makeIdentity, topicOf, topicsOf } from "./topics.ts";

test("topics are built from site and appliance", () => {
  const identity = makeIdentity("st-mary", "box-1");
  expect(topicOf(identity, "result")).toBe("lv06/v1/st-mary/box-1/result");
  expect(topicsOf(identity)).toBe("lv06/v1/st-mary/box-1/#");
});

test.each(["", "a/b", "+", "#", "a b", "Ä", "A", "x".repeat(41), "a\u0000"])("the name %j is refused", (name) => {
  expect(() => makeIdentity(name, "box")).toThrow(expect.objectContaining({ code: "MQTT_NAME" }));
  expect(() => makeIdentity("site", name)).toThrow(expect.objectContaining({ code: "MQTT_NAME" }));
});
