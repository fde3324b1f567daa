/** Reads what somebody says of an image: age, view, modality, body part. Nothing else is ever looked at. Pure. */
import type { Stated } from "../pipeline/request.ts";

/** What a sidecar may say, and how it is called there. */
export const STATED_FIELDS = ["age", "view", "modality", "bodyPart"] as const;
export type StatedField = (typeof STATED_FIELDS)[number];

/** Of none but a wrong field: what was written there may be a patient's, and is not repeated. */
const ALLOWED: Readonly<Record<StatedField, string>> = {
  age: "age is neither a number of years from 0 to 150 nor in DICOM's form, such as 004Y or 018M",
  view: "view is no word of DICOM's, such as AP, PA or LL",
  modality: "modality is no word of DICOM's, such as CR or DX",
  bodyPart: "bodyPart is no word of DICOM's, such as CHEST",
};

const AGE_MAX_YEARS = 150;
const YEARS = /^\d{1,3}(?:\.\d{1,20})?$/;
/** DICOM's Age String; leading zeros may be left out. */
const AGE_STRING = /^(\d{1,3})([DWMY])$/;
/** So that 365 days are a year, and 12 months too. */
const YEARS_IN: Readonly<Record<string, number>> = { D: 1 / 365, W: 7 / 365, M: 1 / 12, Y: 1 };
/** DICOM's Code String. */
const WORD = /^[A-Z0-9_ ]{1,16}$/;

/**
 * Null and empty text count as nothing said, so that a script may write every field always.
 *
 * @throws RangeError saying which field is wrong, and what it may be
 */
export function readStated(said: Partial<Readonly<Record<StatedField, unknown>>>): Stated {
  return {
    ageYears: read(said, "age", yearsOf),
    view: read(said, "view", wordOf),
    modality: read(said, "modality", wordOf),
    bodyPart: read(said, "bodyPart", wordOf),
  };
}

function read<Value>(
  said: Partial<Readonly<Record<StatedField, unknown>>>,
  field: StatedField,
  as: (value: string) => Value | undefined,
): Value | undefined {
  const value = said[field] ?? "";
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") throw new RangeError(ALLOWED[field]);
  const plain = text.trim().toUpperCase();
  if (plain === "") return undefined;
  const known = as(plain);
  if (known === undefined) throw new RangeError(ALLOWED[field]);
  return known;
}

function yearsOf(text: string): number | undefined {
  const [, count, unit] = AGE_STRING.exec(text) ?? [];
  const years = unit === undefined ? plainYears(text) : Number(count) * (YEARS_IN[unit] ?? Number.NaN);
  return years !== undefined && years <= AGE_MAX_YEARS ? years : undefined;
}

function plainYears(text: string): number | undefined {
  return YEARS.test(text) ? Number(text) : undefined;
}

function wordOf(text: string): string | undefined {
  return WORD.test(text) ? text : undefined;
}
