/** Which cases a person means. */
import type { TransportKind } from "./bench.ts";
import type { AnyCase, Level } from "./case.ts";

export interface Selection {
  /** A case's id, the beginning of one (`usb/hash`), or a pattern with `*`; none means all. */
  readonly ids?: readonly string[];
  readonly transport?: TransportKind;
  /** `SHOULD` means MUST and SHOULD. */
  readonly level?: Level;
}

export const LEVELS: readonly Level[] = ["MUST", "SHOULD", "MAY"];

export function selectCases(cases: readonly AnyCase[], { ids = [], transport, level = "MAY" }: Selection): AnyCase[] {
  const levels = LEVELS.slice(0, LEVELS.indexOf(level) + 1);
  const chosen = new Set(ids.flatMap((pattern) => meantBy(pattern, cases)));
  return cases.filter(
    (one) =>
      (ids.length === 0 || chosen.has(one)) &&
      (transport === undefined || one.transport === transport) &&
      levels.includes(one.level),
  );
}

/** The patterns that no case answers to: most likely a typing error. */
export function unknownIds(cases: readonly AnyCase[], ids: readonly string[]): string[] {
  return ids.filter((pattern) => meantBy(pattern, cases).length === 0);
}

/** A beginning that ends within a word counts where nothing else fits: an id alone never means its neighbours. */
function meantBy(pattern: string, cases: readonly AnyCase[]): readonly AnyCase[] {
  const exact = cases.filter(({ id }) => meant(pattern, id));
  return exact.length > 0 ? exact : cases.filter(({ id }) => id.startsWith(pattern));
}

function meant(pattern: string, id: string): boolean {
  if (!pattern.includes("*")) return id === pattern || id.startsWith(`${pattern.replace(/\/+$/, "")}/`);
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(id);
}
