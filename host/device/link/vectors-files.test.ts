/** The vectors' files, and the lines that SPEC.md shows. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { vectorsFolder } from "../testing/firmware.ts";
import { type Case, loadCases, loadFile, SUITES } from "../testing/vectors.ts";
import { encodeCobs } from "./cobs.ts";
import { encodeFrame, parseLine } from "./frame.ts";

interface Example extends Case {
  readonly line: string;
  readonly shown: string;
}

const examples = loadCases<Example>("examples");
const spec = readFileSync(`${vectorsFolder}../SPEC.md`, "utf8");
const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");

describe("the files", () => {
  it.each(SUITES)("%s.json keeps to the schema, and counts its cases", (name) => {
    const schema = JSON.parse(readFileSync(`${vectorsFolder}schema.json`, "utf8"));
    const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allowUnionTypes: true });
    ajv.addFormat("regex", true);
    const file = loadFile(name);
    expect(ajv.validate(schema, file) || ajv.errorsText()).toBe(true);
    expect(file.cases).toHaveLength(file.count);
  });
  it("are all there, and no other", () => {
    const files = readdirSync(vectorsFolder).filter((name) => name.endsWith(".json"));
    expect(files.sort()).toEqual([...SUITES, "schema"].map((name) => `${name}.json`).sort());
  });
  it("are what their generator makes", () => {
    execFileSync("python3", [`${vectorsFolder}generate.py`, "--check"]);
  });
});

describe("the specification", () => {
  const shown = spec.split("\n").filter((line) => /^(host|device) +~/.test(line));
  it("shows the lines that the vectors make anew, and no other", () => {
    expect(shown).toEqual(examples.map((example) => example.shown));
  });
  it("gives the right bytes in its text", () => {
    expect(spec).toContain(`is \`${crc32("123456789").toString(16)}\``);
    const told: readonly (readonly [string, string])[] = [
      ...spec.matchAll(/`([0-9a-f ]+)` (?:is sent )?as `([0-9a-f ]+)`/g),
    ].map(([, data = "", payload = ""]) => [data, payload]);
    expect(told).toHaveLength(3);
    for (const [data, payload] of told) expect(encodeCobs(bytesOf(data))).toEqual(bytesOf(payload));
    const spaced = (bytes: Buffer) => bytes.toString("hex").replace(/..(?!$)/g, "$& ");
    const head = Buffer.from("~0002 HASH 616263 ");
    expect(spec).toContain(`the ${head.length} bytes \`${spaced(head)}\``);
    const stuffed = encodeCobs(Buffer.from([0, 1, 2, 3, 4, 5, 6, 7])).map((byte) => byte ^ 10);
    expect(spec).toContain(`COBS before the XOR is \`${spaced(Buffer.from(stuffed))}\``);
  });
  it.each(examples)("shows frames that the host reads and writes: $id", ({ line }) => {
    const event = parseLine(Buffer.from(line, "latin1"));
    expect(event?.kind).toBe("frame");
    if (event?.kind === "frame") expect(encodeFrame(event.frame).toString("latin1")).toBe(`${line}\n`);
  });
});
