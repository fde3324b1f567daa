/** A planted defect, as data: the score asks whether the rig finds it, with which kind of target and which case. */
import type { RecordingEdit } from "./recording-edits.ts";

/** `model` is what stands for a device besides the core: board, ASIC, sensors, simulated miners. */
export const PLACES = ["host", "core", "model", "recording"] as const;
export type Place = (typeof PLACES)[number];

/**
 * What a run is made of, the cheapest first. `verify` recomputes what recordings hold; `replay-…` plays them to the
 * host's driver; `model-…` are the C core behind a pseudo-terminal and simulated miners over TCP; `virtual` are seeded
 * fault scenarios in which driver and core meet under a virtual clock.
 */
export const TIERS = [
  "verify",
  "replay-lv06",
  "replay-usb",
  "replay-stratum",
  "model-usb",
  "model-stratum",
  "virtual",
] as const;
export type Tier = (typeof TIERS)[number];

/** The columns of the table. */
export const KINDS = ["verify", "replay", "model", "virtual"] as const;
export type Kind = (typeof KINDS)[number];

export function kindOf(tier: Tier): Kind {
  switch (tier) {
    case "verify":
    case "virtual":
      return tier;
    case "replay-lv06":
    case "replay-usb":
    case "replay-stratum":
      return "replay";
    case "model-usb":
    case "model-stratum":
      return "model";
  }
}

/** `from` stands exactly once in the file, which is named from the checkout's root. */
export interface TextEdit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Mutant {
  /** `core/crc-skipped`: where, then what; stable, unique. */
  readonly id: string;
  readonly where: Place;
  /** The defect, in a sentence. */
  readonly what: string;
  readonly edits: readonly TextEdit[] | RecordingEdit;
  /** The kinds that are to find it. */
  readonly expected: readonly Kind[];
  /** Cases that most likely find it: they are run first. */
  readonly hint: readonly string[];
  /** Why it lives, where nothing can find it. */
  readonly survives?: string;
  /** It shows after hundreds of scenarios only, in one process. */
  readonly isAboutMemory?: true;
  /** No defect at all: whoever finds it would find anything. */
  readonly isControl?: true;
}

const USB: readonly Tier[] = ["replay-usb", "virtual", "model-usb"];
const STRATUM: readonly Tier[] = ["replay-lv06", "replay-stratum", "model-stratum"];
/** Which tiers run the code at all; the first that fits. */
const REACH: readonly (readonly [path: string, tiers: readonly Tier[]])[] = [
  ["host/device/stratum/testing/", ["model-stratum"]],
  ["host/device/stratum/", STRATUM],
  ["host/work/", TIERS],
  ["host/device/link/", ["verify", ...USB]],
  ["host/device/", USB],
  ["firmware-spec/", ["virtual", "model-usb"]],
];

/** The tiers that run what the mutant changes, the cheapest first: no other can find it. */
export function reachOf({ edits }: Pick<Mutant, "edits">): readonly Tier[] {
  if (!isTextEdits(edits)) {
    return edits.of === "lv06-shares" ? ["verify", "replay-lv06"] : ["verify", `replay-${edits.transport}`];
  }
  const reached = new Set(edits.flatMap(({ file }) => REACH.find(([path]) => file.startsWith(path))?.[1] ?? []));
  return TIERS.filter((tier) => reached.has(tier));
}

export function isTextEdits(edits: Mutant["edits"]): edits is readonly TextEdit[] {
  return Array.isArray(edits);
}

/** Whether the C programs must be built anew. */
export function isInC({ edits }: Mutant): boolean {
  return isTextEdits(edits) && edits.some(({ file }) => file.startsWith("firmware-spec/"));
}
