/** No defects at all: other words, and the same program. What finds one of these finds nothing. */
import type { Mutant } from "../mutant.ts";

const CONTROL = { what: "Words are others, and nothing else is", expected: [], isControl: true } as const;

export const CONTROL_MUTANTS: readonly Mutant[] = [
  {
    ...CONTROL,
    id: "control/comment",
    where: "host",
    // Every kind of target runs this file.
    edits: [
      {
        file: "host/work/sha256.ts",
        from: "The detour over a string of bytes is deliberate: it makes",
        to: "The way round by a string of bytes is meant: it makes",
      },
    ],
    hint: ["usb/hash/known-answers", "stratum/share/first-proves"],
  },
  {
    ...CONTROL,
    id: "control/name",
    where: "core",
    edits: [
      { file: "firmware-spec/core/work.c", from: "static bool is_due(", to: "static bool has_news(" },
      { file: "firmware-spec/core/work.c", from: "|| !is_due(core)) return;", to: "|| !has_news(core)) return;" },
    ],
    hint: ["usb/work/found", "usb/work/tells-how-it-goes"],
  },
];
