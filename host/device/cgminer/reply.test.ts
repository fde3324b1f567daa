import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseReply, repairJson } from "./reply.ts";
import { BROKEN_STATS, REFUSAL } from "./testing/answers.ts";

describe("an answer", () => {
  test("of stock firmware is read although a comma is missing, with its NUL or without", () => {
    expect(() => JSON.parse(BROKEN_STATS)).toThrow();
    for (const text of [BROKEN_STATS, `${BROKEN_STATS}\0`, `${BROKEN_STATS}\0rubbish after it`]) {
      expect(parseReply(text, "STATS").map((row) => row.ID ?? row.Type)).toEqual(["Antminer S9", "BC50"]);
    }
  });

  test("keeps what only looks broken inside a string", () => {
    const figures = parseReply(BROKEN_STATS, "STATS")[1];
    expect(figures?.chain_xtime6).toBe("{X5=1,X22=1}{}");
    expect(JSON.parse(repairJson('{"a":"},]}{ \\"}{\\"","b":[1,],}'))).toEqual({ a: '},]}{ "}{"', b: [1] });
  });

  test("is repaired from other firmware's slips: commas too many, line ends in strings", () => {
    expect(JSON.parse(repairJson('[,{"a":1,},\n{"b":"x\ny"} {"c":2}]'))).toEqual([{ a: 1 }, { b: "x y" }, { c: 2 }]);
  });

  test("that refuses is a refusal with the miner's words", () => {
    expect(() => parseReply(REFUSAL, "STATS")).toThrow(
      expect.objectContaining({ code: "CGMINER_REFUSED", detail: expect.stringContaining("Access denied") }),
    );
  });

  test.each(['{"toString":0}', "7", "null"])("that refuses with %s for words is a refusal all the same", (words) => {
    const reply = `{"STATUS":[{"STATUS":"E","Msg":${words}}]}`;
    expect(() => parseReply(reply, "STATS")).toThrow(expect.objectContaining({ code: "CGMINER_REFUSED" }));
  });

  test("without what was asked for, or that is no JSON, is named so", () => {
    for (const text of [
      "",
      "\0",
      "STATUS=S,When=1|",
      "[]",
      "null",
      '{"STATS":[]}',
      '{"STATS":{"a":1}}',
      '{"STATS":[1',
    ]) {
      expect(() => parseReply(text, "STATS")).toThrow(expect.objectContaining({ code: "CGMINER_REPLY" }));
    }
  });
});

describe("the repair", () => {
  test("changes nothing in JSON that is whole", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(JSON.parse(repairJson(text))).toEqual(JSON.parse(text.replace(/[\u0080-\u009f]/g, " ")));
      }),
      { numRuns: 1_000 },
    );
  });

  test("never makes anything but a named error of rubbish", () => {
    const parts = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      '"',
      "\\",
      ":",
      "1",
      '"STATS"',
      "\n",
      "null",
      '{"STATS":[{}]}',
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 40 }), (pieces) => {
        try {
          parseReply(pieces.join(""), "STATS");
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^CGMINER_/) });
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
