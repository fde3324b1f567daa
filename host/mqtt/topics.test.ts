import { expect, test } from "vitest";
import { commandsOf, isReplyTopic, makeIdentity, replyTopicOf, topicOf, topicsOf } from "./topics.ts";

test("topics are built from site and appliance", () => {
  const identity = makeIdentity("st-mary", "box-1");
  expect(topicOf(identity, "result")).toBe("lv06/v1/st-mary/box-1/result");
  expect(topicsOf(identity)).toBe("lv06/v1/st-mary/box-1/#");
});

test.each(["", "a/b", "+", "#", "a b", "Ä", "A", "x".repeat(41), "a\u0000"])("the name %j is refused", (name) => {
  expect(() => makeIdentity(name, "box")).toThrow(expect.objectContaining({ code: "MQTT_NAME" }));
  expect(() => makeIdentity("site", name)).toThrow(expect.objectContaining({ code: "MQTT_NAME" }));
});

const identity = makeIdentity("st-mary", "box-1");

test("commands come in and replies go out below the appliance's own topics", () => {
  expect(commandsOf(identity)).toBe("lv06/v1/st-mary/box-1/cmd/+");
  expect(replyTopicOf(identity, "ask-1")).toBe("lv06/v1/st-mary/box-1/reply/ask-1");
});

test.each(["ask-1", "ward/3/ask-1", "A_b"])("a reply may be asked for at reply/%s", (levels) => {
  expect(isReplyTopic(identity, `lv06/v1/st-mary/box-1/reply/${levels}`)).toBe(true);
});

test.each([
  "lv06/v1/st-mary/box-1/reply",
  "lv06/v1/st-mary/box-1/reply/",
  "lv06/v1/st-mary/box-1/reply//a",
  "lv06/v1/st-mary/box-1/reply/a/",
  "lv06/v1/st-mary/box-1/reply/+",
  "lv06/v1/st-mary/box-1/reply/a/#",
  "lv06/v1/st-mary/box-1/reply/a\u0000",
  "lv06/v1/st-mary/box-1/reply/a\n",
  "lv06/v1/st-mary/box-1/reply/a/b/c/d/e",
  `lv06/v1/st-mary/box-1/reply/${"a".repeat(65)}`,
  "lv06/v1/st-mary/box-1/status",
  "lv06/v1/st-mary/box-2/reply/a",
  "home/lamp",
])("a reply may not be asked for at %j", (topic) => {
  expect(isReplyTopic(identity, topic)).toBe(false);
});
