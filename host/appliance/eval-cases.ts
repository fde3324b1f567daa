/** Which images an evaluation looks at, and what each is said to be: from folders' names, or from an index. */
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { errorMessage } from "../base/error.ts";
import { ApplianceError } from "./error.ts";
import { imageFiles } from "./image-files.ts";

/** Of the negative and of the positive class, as in the model's manifest. */
export type Labels = readonly [string, string];

export interface Case {
  /** As the index has it, or relative to the folder. */
  readonly file: string;
  readonly path: string;
  readonly label: string;
  /** Null without an index, or in one without that column. */
  readonly split: string | null;
}

export interface CaseOptions {
  /** Those of the index that are meant; empty for all. */
  readonly splits: readonly string[];
  /** Where the index's files are found by name, in whatever folder; by default they are relative to the index. */
  readonly images?: string;
}

/** Bounds the memory of a run: what is kept of an image are its figures, name and digest. */
const CASES_MAX = 100_000;
const INDEX_MAX_BYTES = 32 * 1024 * 1024;

/**
 * @param data a folder, or a CSV file with the columns file and label, and perhaps split; others are left aside
 * @throws ApplianceError EVAL_…
 */
export async function casesOf(data: string, labels: Labels, { splits, images }: CaseOptions): Promise<readonly Case[]> {
  const stats = await stat(data).catch(dataError(data));
  if (stats.isFile() && stats.size > INDEX_MAX_BYTES) {
    throw new ApplianceError("EVAL_TOO_MANY", `${data} has ${stats.size} bytes, an index may have ${INDEX_MAX_BYTES}`);
  }
  if (stats.isDirectory() && images !== undefined) throw new ApplianceError("EVAL_DATA", `${data} is no index`);
  if (stats.isDirectory() && splits.length > 0) throw new ApplianceError("EVAL_SPLIT", `${data} is no index`);
  const cases = stats.isDirectory() ? await fromFolder(data, labels) : await fromIndex(data, splits, images);
  if (cases.length === 0) throw new ApplianceError("EVAL_EMPTY", `${data} names no image`);
  if (cases.length > CASES_MAX) throw new ApplianceError("EVAL_TOO_MANY", `${data} has more than ${CASES_MAX} images`);
  for (const { file, label } of cases) {
    if (labels.includes(label)) continue;
    throw new ApplianceError(
      "EVAL_LABEL",
      `${file} is ${JSON.stringify(label)}, the model knows ${labels.join(" and ")}`,
    );
  }
  const missing = labels.find((label) => cases.every((of) => of.label !== label));
  if (missing !== undefined) throw new ApplianceError("EVAL_ONE_CLASS", `${data} has no image of class ${missing}`);
  return cases;
}

function dataError(data: string): (error: unknown) => never {
  return (error) => {
    throw new ApplianceError("EVAL_DATA", `${data}: ${errorMessage(error)}`, { cause: error });
  };
}

/** The nearest folder above a file that has a class's name says what it is. */
async function fromFolder(folder: string, labels: Labels): Promise<Case[]> {
  const files = await imageFiles(folder, CASES_MAX).catch(dataError(folder));
  return files.map((file) => {
    const label = file
      .split("/")
      .slice(0, -1)
      .findLast((name) => labels.includes(name));
    if (label === undefined) {
      throw new ApplianceError("EVAL_LABEL", `${join(folder, file)} lies in no folder named ${labels.join(" or ")}`);
    }
    return { file, path: join(folder, file), label, split: null };
  });
}

async function fromIndex(index: string, splits: readonly string[], images?: string): Promise<Case[]> {
  const text = await readFile(index, "utf8").catch(dataError(index));
  const [head = "", ...lines] = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const columns = csvFields(head) ?? [];
  const [file, label, split] = ["file", "label", "split"].map((name) => columns.indexOf(name));
  if (file === undefined || file < 0 || label === undefined || label < 0) {
    throw new ApplianceError("EVAL_INDEX", `the first line of ${index} does not have the columns file and label`);
  }
  const pathOf = images === undefined ? (name: string) => resolve(dirname(index), name) : await pathsBelow(images);
  const seen = new Set<string>();
  const cases = lines.flatMap((line, place): Case[] => {
    if (line === "") return [];
    const fields = csvFields(line);
    const name = fields?.[file] ?? "";
    const wrong =
      fields?.length !== columns.length || name === ""
        ? "does not fit the header"
        : seen.has(name)
          ? `has ${name} again`
          : null;
    if (fields === undefined || wrong !== null)
      throw new ApplianceError("EVAL_INDEX", `${index}: line ${place + 2} ${wrong}`);
    seen.add(name);
    const ofSplit = split === undefined || split < 0 ? null : (fields[split] ?? null);
    return [{ file: name, path: pathOf(name), label: fields[label] ?? "", split: ofSplit }];
  });
  return ofSplits(cases, splits, index);
}

async function pathsBelow(folder: string): Promise<(name: string) => string> {
  const files = await imageFiles(folder, CASES_MAX).catch(dataError(folder));
  const byName = Map.groupBy(files, (file) => basename(file));
  return (name) => {
    const [found, again] = (byName.get(basename(name)) ?? []).filter((file) => `/${file}`.endsWith(`/${name}`));
    if (again !== undefined) throw new ApplianceError("EVAL_INDEX", `${name} is ${found} and ${again} in ${folder}`);
    return join(folder, found ?? name);
  };
}

function ofSplits(cases: Case[], splits: readonly string[], index: string): Case[] {
  const names = new Set(cases.flatMap(({ split }) => split ?? []));
  const strange = splits.find((split) => !names.has(split));
  if (strange !== undefined) {
    throw new ApplianceError(
      "EVAL_SPLIT",
      `${index} has no split ${strange}; there are: ${[...names].join(", ") || "none"}`,
    );
  }
  return splits.length === 0 ? cases : cases.filter(({ split }) => split !== null && splits.includes(split));
}

const FIELD = /,(?:"((?:[^"]|"")*)"|([^",]*))/gy;

/** Undefined for a line whose quotes do not match; a field does not run over lines. */
function csvFields(line: string): string[] | undefined {
  const fields = [...`,${line}`.matchAll(FIELD)];
  if (fields.reduce((length, [whole]) => length + whole.length, 0) !== line.length + 1) return undefined;
  return fields.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "");
}

/** A line of CSV, as spreadsheets and Python read it. */
export function csvLine(fields: readonly (string | number)[]): string {
  const quote = (field: string) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);
  return `${fields.map((field) => quote(String(field))).join(",")}\n`;
}
