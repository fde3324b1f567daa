import fc from "fast-check";
import { expect, test } from "vitest";
import { answer, readMessage, refusal } from "./message.ts";

test("any line is a message or named for what is wrong with it", () => {
  const kinds = ["request", "answer", "empty", "malformed"];
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (line) => kinds.includes(readMessage(line, 8).kind)));
});

test("a request keeps numbers and short texts as its id, and has none otherwise", () => {
  const idOf = (id: string) => readMessage(`{"id":${id},"method":"m","params":[]}`, 8);
  for (const id of [0, -1, 4.5, "a", null]) expect(idOf(JSON.stringify(id))).toMatchObject({ kind: "request", id });
  for (const id of ["[1]", "{}", "true", "1e999", `"${"x".repeat(65)}"`]) expect(idOf(id)).toMatchObject({ id: null });
});

test("params may be missing or null", () => {
  for (const line of ['{"id":1,"method":"m"}', '{"id":1,"method":"m","params":null}']) {
    expect(readMessage(line, 8)).toEqual({ kind: "request", id: 1, method: "m", params: [] });
  }
});

test("what is no message is malformed", () => {
  const bad = ["x", "[]", "1", "null", "{}", '{"method":1}', '{"method":"m","params":{}}', '{"method":"m","params":3}'];
  const long = [`{"method":"${"m".repeat(65)}"}`, `{"method":"m","params":[${"0,".repeat(16)}0]}`];
  for (const line of [...bad, ...long]) expect(readMessage(line, 8).kind, line).toBe("malformed");
});

test("nesting is bounded, brackets in texts do not count", () => {
  const nested = (depth: number) => `{"id":1,"method":"m","params":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  expect(readMessage(nested(7), 8).kind).toBe("request");
  expect(readMessage(nested(8), 8)).toMatchObject({ kind: "malformed", detail: "brackets nest deeper than 8" });
  expect(readMessage('{"id":1,"method":"[[[[[[[[[[\\"[[[[","params":[]}', 8).kind).toBe("request");
});

test("an answer to nothing is told from a request", () => {
  expect(readMessage('{"id":1,"result":"pong","error":null}', 8)).toEqual({ kind: "answer" });
});

test("every answer has its error key, and ends its line", () => {
  expect(answer(1, true)).toBe('{"id":1,"result":true,"error":null}\n');
  expect(refusal(7, [23, "Low difficulty share"])).toBe(
    '{"id":7,"result":null,"error":[23,"Low difficulty share",null]}\n',
  );
});
