/** Takes values out of what a miner answered: a value of the wrong kind or size is unknown, and noted. */

/** `type` of another kind than the field has · `range` impossible · `no-reading` the firmware's sign for no sensor. */
export interface Oddity {
  readonly field: string;
  readonly why: "type" | "range" | "no-reading";
}

export interface NumberRule {
  /** Inclusive. */
  readonly min: number;
  /** Inclusive. */
  readonly max: number;
  /** What the firmware writes where it has no reading. */
  readonly none?: readonly number[];
  readonly whole?: boolean;
}

export interface FieldOptions {
  /** Whether a number may come as text, as cgminer writes some. */
  readonly numbersAsText?: boolean;
}

const ODDITIES_MAX = 32;
const NAME_CHARS = 40;
const TEXT_CHARS = 96;
/** Powers of ten. */
const SUFFIXES: Readonly<Record<string, number>> = { "": 0, k: 3, m: 6, g: 9, t: 12, p: 15, e: 18 };
const SUFFIXED = /^\s*([0-9]{1,20}(?:\.[0-9]{1,12})?)\s*([kmgtpe]?)\s*$/i;
const DECIMAL = /^\s*-?[0-9]{1,20}(\.[0-9]{1,12})?\s*$/;

/** What JSON calls an object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** "4.29M" is 4,290,000. Undefined for anything else. */
export function parseSuffixed(text: string): number | undefined {
  const [, digits, suffix] = SUFFIXED.exec(text) ?? [];
  const power = SUFFIXES[(suffix ?? "").toLowerCase()];
  return digits === undefined || power === undefined ? undefined : Number(`${digits}e${power}`);
}

export class Fields {
  readonly #source: Readonly<Record<string, unknown>>;
  readonly #numbersAsText: boolean;
  readonly #oddities: Oddity[] = [];
  #oddityCount = 0;

  constructor(source: unknown, options: FieldOptions = {}) {
    this.#source = isRecord(source) ? source : {};
    this.#numbersAsText = options.numbersAsText ?? false;
    if (!isRecord(source)) this.#note("", "type");
  }

  get oddities(): readonly Oddity[] {
    return this.#oddities;
  }

  get oddityCount(): number {
    return this.#oddityCount;
  }

  has(name: string): boolean {
    return this.#value(name) !== undefined;
  }

  /** The first of the names that holds a number that fits. */
  number(names: readonly string[], rule: NumberRule): number | null {
    for (const name of names) {
      const value = this.#fitting(name, this.#value(name), rule);
      if (value !== null) return value;
    }
    return null;
  }

  /** A number, or text such as "4.29M". */
  suffixed(name: string, rule: NumberRule): number | null {
    const value = this.#value(name);
    return this.#fitting(name, typeof value === "string" ? (parseSuffixed(value) ?? value) : value, rule);
  }

  /** true, false, 0 or 1. */
  flag(name: string): boolean | null {
    const value = this.#value(name);
    if (value === undefined) return null;
    if (typeof value === "boolean") return value;
    if (value === 0 || value === 1) return value === 1;
    return this.#note(name, typeof value === "number" ? "range" : "type");
  }

  /** The first of the names that holds text; cut to 96 characters, without control characters. Empty is unknown. */
  text(names: readonly string[]): string | null {
    for (const name of names) {
      const value = this.#value(name);
      if (value === undefined) continue;
      if (typeof value !== "string") this.#note(name, "type");
      else if (value.trim() !== "") return cleanText(value);
    }
    return null;
  }

  /** The value of a field that is to be a list. */
  list(name: string): readonly unknown[] | null {
    const value = this.#value(name);
    if (value === undefined) return null;
    return Array.isArray(value) ? value : this.#note(name, "type");
  }

  #value(name: string): unknown {
    // cJSON writes a number that is none as null.
    return Object.hasOwn(this.#source, name) ? (this.#source[name] ?? undefined) : undefined;
  }

  #fitting(name: string, value: unknown, rule: NumberRule): number | null {
    if (value === undefined) return null;
    const number = this.#numbersAsText && typeof value === "string" && DECIMAL.test(value) ? Number(value) : value;
    if (typeof number !== "number") return this.#note(name, "type");
    if (rule.none?.includes(number)) return this.#note(name, "no-reading");
    const fits = number >= rule.min && number <= rule.max && (!rule.whole || Number.isInteger(number));
    return fits ? number : this.#note(name, "range");
  }

  #note(field: string, why: Oddity["why"]): null {
    this.#oddityCount += 1;
    if (this.#oddities.length < ODDITIES_MAX) this.#oddities.push({ field: field.slice(0, NAME_CHARS), why });
    return null;
  }
}

/** Without control and line-separating characters, at most 96 characters. */
export function cleanText(text: string): string {
  return text
    .slice(0, TEXT_CHARS * 4)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu, " ")
    .trim()
    .slice(0, TEXT_CHARS);
}
