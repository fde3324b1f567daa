/** Which cases a person means. */
import type { TransportKind } from "./bench.ts";
import type { AnyCase, Level } from "./case.ts";

export interface Selection {
  /** A case's id, the beginning of one up to a slash (`usb/hash`), or a pattern with `*`; none means all. */
  readonly ids?: readonly string[];
  readonly transport?: TransportKind;
  /** `SHOULD` means MUST and SHOULD. */
  readonly level?: Level;
}

export const LEVELS: readonly Level[] = ["MUST", "SHOULD", "MAY"];

export function selectCases(cases: readonly AnyCase[], { ids = [], transport, level = "MAY" }: Selection): AnyCase[] {
  const levels = LEVELS.slice(0, LEVELS.indexOf(level) + 1);
  return cases.filter(
    (one) =>
      (ids.length === 0 || ids.some((pattern) => meant(pattern, one.id))) &&
      (transport === undefined || one.transport === transport) &&
      levels.includes(one.level),
  );
}

/** The patterns that no case answers to: most likely a typing error. */
export function unknownIds(cases: readonly AnyCase[], ids: readonly string[]): string[] {
  return ids.filter((pattern) => !cases.some(({ id }) => meant(pattern, id)));
}

function meant(pattern: string, id: string): boolean {
  if (!pattern.includes("*")) return id === pattern || id.startsWith(`${pattern.replace(/\/+$/, "")}/`);
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(id);
}
