import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { changeConfig, saysOnly } from "./change.ts";
import { ConfigError } from "./error.ts";
import { KEYS } from "./keys.ts";
import { withValue } from "./splice.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lv06-change-"));
  file = join(folder, "lv06.yaml");
});
afterEach(() => rmSync(folder, { recursive: true }));

const key = KEYS.find(({ name }) => name === "model.dir");

function change(text: string, value = "models/new"): string {
  writeFileSync(file, text);
  if (key !== undefined) changeConfig(file, key, value);
  return readFileSync(file, "utf8");
}

test.each([
  ["an empty file", "", "model:\n  dir: models/new\n"],
  ["only comments", "# mine\n", "# mine\nmodel:\n  dir: models/new\n"],
  ["no such section", "site:   ward   # here\n", "site:   ward   # here\nmodel:\n  dir: models/new\n"],
  ["a last line without an end", "site: ward", "site: ward\nmodel:\n  dir: models/new\n"],
  [
    "a value",
    'site: "ward" # a\n\nmodel:\n    # the old one\n    dir:    old/one     # since May\n    variant: auto\n\n\nmode: training',
    'site: "ward" # a\n\nmodel:\n    # the old one\n    dir:    models/new     # since May\n    variant: auto\n\n\nmode: training',
  ],
  ["a quoted value", "model: { 'dir': \"old\", variant: auto }\n", "model: { 'dir': models/new, variant: auto }\n"],
  [
    "a section without it",
    "model:\n   # which\n   variant:   auto\nmode: training\n",
    "model:\n   # which\n   dir: models/new\n   variant:   auto\nmode: training\n",
  ],
  ["a section in braces without it", "model: {variant: auto}\n", "model: { dir: models/new,variant: auto}\n"],
  ["empty braces", "model: {}\nsite: a\n", "model: { dir: models/new }\nsite: a\n"],
  [
    "an empty section",
    "model: # none yet\n  # dir: x\nsite: a\n",
    "model:\n  dir: models/new # none yet\n  # dir: x\nsite: a\n",
  ],
  [
    "Windows lines",
    "site: a\r\nmodel:\r\n  variant: auto\r\n",
    "site: a\r\nmodel:\r\n  dir: models/new\r\n  variant: auto\r\n",
  ],
  ["the whole in braces", "{ site: a }\n", "{ site: a, model: { dir: models/new } }\n"],
  ["a document that is ended", "site: a # b\n...\n", "site: a # b\nmodel:\n  dir: models/new\n...\n"],
])("of %s nothing else is changed", (_, before, after) => {
  expect(change(before)).toBe(after);
});

test.each(["null", "x: y", "# x", "a b", 'q"uote', "ä/ö", "1/2", "~/x", "- a", "no"])(
  "a folder called %j is written so that it is read back",
  (value) => {
    expect(change("model: { dir: old }\n", value)).not.toContain("old");
    expect(change("site: a\n", value)).toMatch(/^site: a\nmodel:\n {2}dir: /);
  },
);

test("a file that is wrong as it is stays as it is", () => {
  const text = "site: a\nmodle: { dir: x }\n";
  expect(() => change(text)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }) as ConfigError);
  expect(readFileSync(file, "utf8")).toBe(text);
});

test("a change that would touch anything else is refused", () => {
  expect(withValue("site: a\n", ["model", "dir"], "models/new", () => false)).toBeUndefined();
});

test.each([
  ["another value changed", "site: b\nmodel: { dir: models/new }\n"],
  ["another value gone", "model: { dir: models/new }\n"],
  ["another value added", "site: a\nmode: training\nmodel: { dir: models/new }\n"],
  ["the value missing", "site: a\n"],
  ["a value wrong", "site: a\nmodel: { dir: models/new, variant: 7 }\n"],
])("a changed text is not taken with %s", (_, text) => {
  const takes = (changed: string) => key !== undefined && saysOnly(changed, "site: a\n", key, "models/new");
  expect([takes("site: a # b\nmodel: { dir: models/new }\n"), takes(text)]).toEqual([true, false]);
});

test("permissions and links stay, and no other file is left behind", () => {
  const link = join(folder, "link.yaml");
  writeFileSync(file, "site: a\n");
  chmodSync(file, 0o640);
  symlinkSync("lv06.yaml", link);
  if (key !== undefined) changeConfig(link, key, "models/new");
  expect(readFileSync(file, "utf8")).toContain("models/new");
  expect(statSync(file).mode & 0o777).toBe(0o640);
  expect(readdirSync(folder).sort()).toEqual(["link.yaml", "lv06.yaml"]);
});

test("a file that is not there is made; in a folder that is not there it is not", () => {
  if (key !== undefined) changeConfig(file, key, "models/new");
  expect(readFileSync(file, "utf8")).toBe("model:\n  dir: models/new\n");
  const lost = join(folder, "gone", "lv06.yaml");
  expect(() => key && changeConfig(lost, key, "models/new")).toThrow(ConfigError);
  expect(existsSync(lost)).toBe(false);
});
