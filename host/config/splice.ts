/** Sets one value of a YAML text by replacing or adding just its characters. Pure. */
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from "yaml";

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/**
 * @param path a section and a key in it
 * @param fits whether a changed text says what it should
 * @returns undefined when no change fits
 */
export function withValue(
  text: string,
  path: readonly string[],
  value: string,
  fits: (text: string) => boolean,
): string | undefined {
  const edit = editOf(text, path, value);
  const spliced = edit === undefined ? undefined : text.slice(0, edit.from) + edit.text + text.slice(edit.to);
  if (spliced !== undefined && fits(spliced)) return spliced;
  // Forms that are rare in a file of this kind: comments stay, spaces may change.
  const document = parseDocument(text);
  document.setIn(path, value);
  const written = document.toString({ lineWidth: 0 });
  return fits(written) ? written : undefined;
}

function editOf(text: string, [section = "", key = ""]: readonly string[], value: string): Edit | undefined {
  const root = parseDocument(text, { uniqueKeys: false }).contents;
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const line = `${key}: ${quoted(value)}`;
  if (isMap(root) && root.flow) return undefined;
  const found = isMap(root) ? pairOf(root, section) : undefined;
  if (found === undefined) {
    const start = text === "" || text.endsWith("\n") ? "" : eol;
    return insertion(text.length, `${start}${section}:${eol}  ${line}${eol}`);
  }
  if (isMap(found.value)) return inSection(text, found.value, key, value, eol);
  const colon = text.indexOf(":", endOf(found.key));
  const isEmpty = found.value === null || (isScalar(found.value) && found.value.source === "");
  return isEmpty && colon >= 0 ? insertion(colon + 1, `${eol}  ${line}`) : undefined;
}

function inSection(text: string, map: YAMLMap, key: string, value: string, eol: string): Edit | undefined {
  const old = pairOf(map, key)?.value;
  const line = `${key}: ${quoted(value)}`;
  if (isScalar(old) && old.range) return { from: old.range[0], to: old.range[1], text: quoted(value) };
  const start = map.range?.[0];
  if (old !== undefined || start === undefined) return undefined;
  if (map.flow) return insertion(start + 1, map.items.length === 0 ? ` ${line} ` : ` ${line},`);
  const indentation = text.slice(text.lastIndexOf("\n", start - 1) + 1, start);
  return /^ +$/.test(indentation) ? insertion(start, `${line}${eol}${indentation}`) : undefined;
}

const insertion = (at: number, text: string): Edit => ({ from: at, to: at, text });

function pairOf(map: YAMLMap, name: string): Pair | undefined {
  return map.items.find(({ key }) => isScalar(key) && key.value === name);
}

function endOf(node: unknown): number {
  return isScalar(node) ? (node.range?.[1] ?? 0) : 0;
}

/** Plain where it cannot be taken for anything else; else in double quotes, which YAML reads as JSON does. */
function quoted(value: string): string {
  return /^[A-Za-z/][A-Za-z0-9._-]*\/[A-Za-z0-9._/-]*$/.test(value) ? value : JSON.stringify(value);
}
