/** The configuration file's text → settings, with line and column for everything that is wrong. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument, type YAMLMap } from "yaml";
import { KEYS, SECTIONS } from "./keys.ts";
import { nearest } from "./nearest.ts";
import { complaint, type Setting, type Settings } from "./settings.ts";

const KEY_BY_NAME = new Map(KEYS.map((key) => [key.name, key]));
const SECTION_NAMES = new Set(SECTIONS.map(({ name }) => name));
const ALL_NAMES = [...KEY_BY_NAME.keys(), ...SECTION_NAMES].filter((name) => name !== "");

interface Reading {
  readonly file: string;
  readonly lines: LineCounter;
  readonly values: Map<string, Setting>;
  readonly problems: string[];
}

/** A slip of the pen within the section, or the right key in the wrong section (`baud` for `device.usb.baud`). */
function suggestion(name: string): string {
  const last = name.slice(name.lastIndexOf(".") + 1);
  const section = name.slice(0, -last.length);
  const siblings = ALL_NAMES.filter((known) => known.startsWith(section)).map((known) => known.slice(section.length));
  const sibling = nearest(
    last,
    siblings.filter((known) => !known.includes(".")),
  );
  const elsewhere = ALL_NAMES.filter((known) => known.endsWith(`.${last}`));
  const meant = sibling === undefined ? (elsewhere.length === 1 ? elsewhere[0] : undefined) : section + sibling;
  return meant === undefined ? "see docs/config.md for the keys there are" : `did you mean ${meant}?`;
}

function place(reading: Reading, node: unknown): { readonly line: number; readonly col: number } {
  const range = typeof node === "object" && node !== null && "range" in node ? node.range : undefined;
  return reading.lines.linePos(Array.isArray(range) && typeof range[0] === "number" ? range[0] : 0);
}

function complain(reading: Reading, node: unknown, what: string): void {
  const { line, col } = place(reading, node);
  reading.problems.push(`${reading.file}:${line}:${col} ${what}`);
}

/** An object for what no key takes: a section, or a list that holds more than plain values. */
function plainValue(node: unknown): unknown {
  if (node === null) return null;
  if (isScalar(node)) return node.value;
  return isSeq(node) && node.items.every(isScalar) ? node.items.map(({ value }) => value) : {};
}

function readLeaf(reading: Reading, name: string, pair: Pair): void {
  const key = KEY_BY_NAME.get(name);
  if (key === undefined) return;
  const node = pair.value;
  const value = plainValue(node);
  const wrong = complaint(key, value);
  if (wrong !== undefined) complain(reading, node ?? pair.key, `${name}: ${wrong}`);
  else reading.values.set(name, { value, origin: `${reading.file}:${place(reading, pair.key).line}` });
}

function readSection(reading: Reading, name: string, pair: Pair): void {
  const node = pair.value;
  // A section whose keys are all commented out is an empty one.
  if (node === null || (isScalar(node) && node.value === null)) return;
  if (isMap(node)) readMap(reading, node, name);
  else complain(reading, node, `${name}: is a section; allowed: its keys, indented, one a line`);
}

function readMap(reading: Reading, map: YAMLMap, prefix: string): void {
  const seen = new Set<string>();
  for (const pair of map.items) {
    const word = isScalar(pair.key) ? String(pair.key.value) : "?";
    const name = prefix === "" ? word : `${prefix}.${word}`;
    if (seen.has(name)) complain(reading, pair.key, `${name}: is given twice; allowed: once`);
    else if (isAlias(pair.value)) complain(reading, pair.value, `${name}: aliases are not supported; write the value`);
    else if (KEY_BY_NAME.has(name)) readLeaf(reading, name, pair);
    else if (SECTION_NAMES.has(name)) readSection(reading, name, pair);
    else complain(reading, pair.key, `${name.slice(0, 80)}: is not a key; ${suggestion(name)}`);
    seen.add(name);
  }
}

/**
 * @param text the file's contents
 * @param file how the file is called in messages and origins
 */
export function readYaml(text: string, file: string): Settings {
  const lines = new LineCounter();
  // uniqueKeys off: a key given twice is reported here with its full name, and the rest is still read.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const reading: Reading = { file, lines, values: new Map(), problems: [] };
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    const what =
      code === "MULTIPLE_DOCS" ? "a second document begins here; allowed: one" : `not valid YAML: ${message}`;
    complain(reading, { range: pos }, what);
  }
  const root = document.contents;
  if (document.errors.length > 0 || root === null || (isScalar(root) && root.value === null)) return reading;
  if (isMap(root)) readMap(reading, root, "");
  else complain(reading, root, "the file is not a list of keys; allowed: lines of the form key: value");
  return reading;
}
