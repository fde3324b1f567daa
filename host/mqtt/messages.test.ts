import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { COMMAND_NAMES, COMMANDS, NO_ANSWER } from "./commands.ts";
import { KINDS, makeMessage, makeResultMessage, readMessage, TRAVEL } from "./envelope.ts";
import type { DataOf } from "./messages.ts";
import { roundTo4 } from "./result-data.ts";
import { commandFileOf, commandText, SCHEMA_FOLDER, schemaFileOf, schemaFiles, schemaText } from "./schemas.ts";
import * as samples from "./testing/samples.ts";
import type { Kind } from "./topics.ts";

const published = (kind: Kind) => readFileSync(new URL(schemaFileOf(kind), SCHEMA_FOLDER), "utf8");
const validate = (kind: Kind, payload: Uint8Array) =>
  new Ajv2020({ strict: true }).validate(JSON.parse(published(kind)), JSON.parse(Buffer.from(payload).toString()));
const make = <K extends Kind>(kind: K, data: DataOf[K]) =>
  makeMessage(samples.IDENTITY, kind, { id: "some-id", utcMs: 1_700_000_000_000 }, data);
const parse = (payload: Uint8Array) => JSON.parse(Buffer.from(payload).toString());

const ALL: readonly (readonly [string, Kind, DataOf[Kind]])[] = [
  ["status", "status", samples.status],
  ["info", "info", samples.info],
  ["health", "health", samples.health],
  ["result", "result", samples.result],
  ["result, not assessed", "result", samples.notAssessed],
  ["result, entered in error", "result", samples.inError],
  ["seal", "seal", samples.seal],
  ["reply", "reply", samples.reply],
  ...COMMAND_NAMES.map((name) => {
    const reply = { ...samples.reply, ...NO_ANSWER, command: name, [name]: samples.answers[name] };
    return [`reply to ${name}`, "reply", reply] as const;
  }),
  ["reply to what was refused", "reply", samples.refused],
  ...Object.values(samples.events).map((event) => [`event ${event.kind}`, "event", event] as const),
];

test.each(ALL)("%s passes its published schema and comes back as it was", (_, kind, data) => {
  const { payload } = make(kind, data);
  expect(validate(kind, payload)).toBe(true);
  expect(readMessage(payload)).toEqual({ kind, id: "some-id", source: "/lv06/v1/clinic/box-1", data });
});

test.each(KINDS)("the published schema of %s is current", (kind) => {
  expect(published(kind)).toBe(schemaText(kind));
});

test.each(COMMAND_NAMES)("the published schema of the command %s is current", (name) => {
  expect(readFileSync(new URL(commandFileOf(name), SCHEMA_FOLDER), "utf8")).toBe(commandText(name));
});

test("the folder of published schemas holds these and no others", () => {
  expect(readdirSync(SCHEMA_FOLDER).toSorted()).toEqual(
    schemaFiles()
      .map(([file]) => file)
      .toSorted(),
  );
});

test.each([
  [{ id: "a", resultId: "r" }, true],
  [{ id: "a", resultId: "r", utcMs: 1 }, true],
  [{ id: "a" }, false],
  [{ id: "a/b", resultId: "r" }, false],
  [{ id: "a", resultId: "r", later: 1 }, false],
])("the published schema of cmd/receipt says of %j what the appliance does: %s", (command, fits) => {
  expect(new Ajv2020({ strict: true }).validate(JSON.parse(commandText("receipt")), command)).toBe(fits);
  expect(COMMANDS.receipt.safeParse(command).success).toBe(fits);
});

test.each([
  [{ id: "a", path: "/films/a.png" }, true],
  [{ id: "a", image: "aGVsbG8=", reference: "r", mode: "validation", stated: { age: 3 }, replaces: "r" }, true],
  [{ id: "a", image: "aGVsbG8=", path: "/films/a.png" }, false],
  [{ id: "a" }, false],
  [{ id: "a", path: "films/a.png" }, false],
  [{ id: "a", image: "!" }, false],
])("the published schema of cmd/infer says of %j what the appliance does: %s", (command, fits) => {
  expect(new Ajv2020({ strict: true }).validate(JSON.parse(commandText("infer")), command)).toBe(fits);
  expect(COMMANDS.infer.safeParse(command).success).toBe(fits);
});

test("a message is a CloudEvent with the names that integrators look for", () => {
  expect(parse(make("status", samples.status).payload)).toEqual({
    specversion: "1.0",
    id: "some-id",
    source: "/lv06/v1/clinic/box-1",
    type: "lv06.status.v1",
    time: "2023-11-14T22:13:20.000Z",
    datacontenttype: "application/json",
    dataschema: "urn:lv06:data:status:1",
    data: samples.status,
  });
});

test("a result keeps its id through every redelivery, and others have others", () => {
  const first = makeResultMessage(samples.IDENTITY, samples.result);
  expect(makeResultMessage(samples.IDENTITY, { ...samples.result }).messageId).toBe(first.messageId);
  expect(makeResultMessage(samples.IDENTITY, { ...samples.result, resultId: "other" }).messageId).not.toBe(
    first.messageId,
  );
});

test("only what is true now is retained", () => {
  expect(KINDS.filter((kind) => TRAVEL[kind].retain)).toEqual(["status", "info"]);
});

describe("what does not fit the schema is not sent", () => {
  const refused = (changes: Record<string, unknown>) =>
    expect(() => make("result", { ...samples.result, ...changes } as DataOf["result"])).toThrow(
      expect.objectContaining({ code: "MQTT_MESSAGE" }),
    );
  test("a name nobody decided to send", () => refused({ patientName: "X" }));
  test("a probability with more decimals than the commitment binds", () => refused({ probability: 0.93125 }));
  test("a number that is none", () => refused({ timingMs: { raster: Number.NaN } }));
  test("a digest in capitals", () => refused({ input: { ...samples.result.input, fileDigest: "A".repeat(64) } }));
  test("another intended use", () => refused({ intendedUse: "diagnosis" }));
  test("a device check claimed beforehand", () => refused({ device: { ...samples.result.device, checked: true } }));
  test("a name that is missing", () => refused({ sequence: undefined }));
});

describe("the published schemas", () => {
  const changed = (change: (event: { data: Record<string, unknown> }) => void) => {
    const event = parse(make("result", samples.result).payload);
    change(event);
    return validate("result", Buffer.from(JSON.stringify(event)));
  };
  test("let a later version add names", () =>
    expect(changed(({ data }) => Object.assign(data, { later: 1 }))).toBe(true));
  test("refuse a missing name", () => {
    expect(
      changed(({ data }) => {
        delete data.intendedUse;
      }),
    ).toBe(false);
  });
  test("refuse another kind's message", () =>
    expect(validate("info", make("status", samples.status).payload)).toBe(false));
});

test.each(["", "no json", "{}", '{"specversion":"1.0"}'])("%j is not taken for a message", (text) => {
  expect(() => readMessage(Buffer.from(text))).toThrow(expect.objectContaining({ code: "MQTT_MESSAGE" }));
});

test("probabilities are rounded to four decimals", () => {
  expect([0.12345, 0.99999, 0, 1, 1 / 3].map(roundTo4)).toEqual([0.1235, 1, 0, 1, 0.3333]);
});
