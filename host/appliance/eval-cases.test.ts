import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { casesOf, csvLine } from "./eval-cases.ts";

const LABELS = ["NORMAL", "PNEUMONIA"] as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "eval-cases-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(...names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), "");
  }
}

function index(text: string): string {
  writeFileSync(join(folder, "index.csv"), text);
  return join(folder, "index.csv");
}

const found = async (data: string, splits: string[] = []) =>
  (await casesOf(data, LABELS, { splits })).map(({ file, label, split }) => [file, label, split]);
const codeOf = (work: Promise<unknown>) => expect(work).rejects;

describe("a folder", () => {
  test("the nearest folder with a class's name is the label", async () => {
    put("val/NORMAL/a.png", "NORMAL/PNEUMONIA/deep/b.jpeg", "NORMAL/notes.txt");
    expect(await found(folder)).toEqual([
      ["NORMAL/PNEUMONIA/deep/b.jpeg", "PNEUMONIA", null],
      ["val/NORMAL/a.png", "NORMAL", null],
    ]);
  });

  test("without images, with one class only, and with an image of no class is named", async () => {
    await codeOf(casesOf(folder, LABELS, { splits: [] })).toMatchObject({ code: "EVAL_EMPTY" });
    put("NORMAL/a.png");
    const oneClass = { code: "EVAL_ONE_CLASS", detail: expect.stringContaining("PNEUMONIA") };
    await codeOf(casesOf(folder, LABELS, { splits: [] })).toMatchObject(oneClass);
    put("PNEUMONA/b.png");
    const strange = { code: "EVAL_LABEL", detail: expect.stringContaining("PNEUMONA/b.png") };
    await codeOf(casesOf(folder, LABELS, { splits: [] })).toMatchObject(strange);
    await codeOf(casesOf(folder, LABELS, { splits: ["val"] })).toMatchObject({ code: "EVAL_SPLIT" });
    await codeOf(casesOf(join(folder, "no"), LABELS, { splits: [] })).toMatchObject({ code: "EVAL_DATA" });
  });
});

describe("an index", () => {
  const ROWS = 'file,label,other,split\r\na.png,NORMAL,,val\r\n"b,1.png",PNEUMONIA,x,val\r\nc.png,NORMAL,,test\r\n';

  test("gives files relative to itself, quoted names, and the splits that are asked for", async () => {
    const data = index(`\uFEFF${ROWS}`);
    expect(await found(data, ["val"])).toEqual([
      ["a.png", "NORMAL", "val"],
      ["b,1.png", "PNEUMONIA", "val"],
    ]);
    expect(await found(data, ["val", "test"])).toHaveLength(3);
    expect((await casesOf(data, LABELS, { splits: [] })).map(({ path }) => path)).toEqual(
      ["a.png", "b,1.png", "c.png"].map((name) => join(folder, name)),
    );
    await codeOf(casesOf(data, LABELS, { splits: ["vla"] })).toMatchObject({
      code: "EVAL_SPLIT",
      detail: expect.stringContaining("val, test"),
    });
  });

  test("finds files by name below another folder, and refuses a name that is there twice", async () => {
    put("films/NORMAL/a.png", "films/PNEUMONIA/b,1.png", "films/x/c.png");
    const options = { splits: [], images: join(folder, "films") };
    const paths = (await casesOf(index(ROWS), LABELS, options)).map(({ path }) => path);
    expect(paths).toEqual(["NORMAL/a.png", "PNEUMONIA/b,1.png", "x/c.png"].map((name) => join(folder, "films", name)));
    put("films/y/c.png");
    await codeOf(casesOf(index(ROWS), LABELS, options)).toMatchObject({ code: "EVAL_INDEX" });
  });

  test.each([
    ["no header", "a.png,NORMAL\n", "EVAL_INDEX"],
    ["a line that is short", "file,label\na.png\n", "EVAL_INDEX"],
    ["a line without a file", "file,label\n,NORMAL\n", "EVAL_INDEX"],
    ["a quote left open", 'file,label\n"a.png,NORMAL\n', "EVAL_INDEX"],
    ["a file twice", "file,label\na.png,NORMAL\na.png,PNEUMONIA\n", "EVAL_INDEX"],
    ["no rows", "file,label\n", "EVAL_EMPTY"],
    ["a label that the model does not know", "file,label\na.png,NORMAL\nb.png,pneumonia\n", "EVAL_LABEL"],
    ["one class", "file,label\na.png,NORMAL\n", "EVAL_ONE_CLASS"],
  ])("with %s is refused", async (_, text, code) => {
    await codeOf(casesOf(index(text), LABELS, { splits: [] })).toMatchObject({ code });
  });
});

test("a name with a comma or a quote comes back from its line", async () => {
  const name = 'a "1", b.png';
  const data = index(`file,label\n${csvLine([name, "NORMAL"])}b.png,PNEUMONIA\n`);
  expect((await found(data))[0]).toEqual([name, "NORMAL", null]);
});
