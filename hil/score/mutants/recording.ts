/** What may be done to recordings, by accident or by somebody who knows the format. */
import type { Mutant } from "../mutant.ts";
import type { EditName } from "../recording-edits.ts";

const usb = (of: string, edit: EditName) => ({ transport: "usb", of, edit }) as const;
const stratum = (of: string, edit: EditName) => ({ transport: "stratum", of, edit }) as const;

function edited(
  id: string,
  what: string,
  edits: Mutant["edits"] & { readonly of: string },
  expected: Mutant["expected"] = ["verify", "replay"],
): Mutant {
  const hint = edits.of === "lv06-shares" ? ["stratum/recorded/lv06-shares"] : [edits.of];
  return { id: `recording/${id}`, where: "recording", what, edits, expected, hint };
}

const ONE_BY_ONE = "usb/hash/one-by-one";
const FIRST_SHARE = "stratum/share/first-proves";

export const RECORDING_MUTANTS: readonly Mutant[] = [
  edited("cut-off", "A recording is cut off", usb(ONE_BY_ONE, "cut-the-end-off")),
  edited("empty", "A recording is empty", usb(ONE_BY_ONE, "empty")),
  edited("later-version", "A recording claims a later version of the format", usb(ONE_BY_ONE, "claim-a-later-version")),
  edited(
    "digit-flipped",
    "One digit of an answer is another, the end record is as it was",
    usb(ONE_BY_ONE, "flip-a-digit"),
  ),
  edited("digest-forged", "A digest is another, with CRC and end record made anew", usb(ONE_BY_ONE, "forge-a-digest")),
  edited(
    "request-forged",
    "A request is for another block, with CRC and end record made anew",
    usb(ONE_BY_ONE, "forge-the-request"),
  ),
  edited(
    "answers-swapped",
    "Two answers are exchanged, with CRCs and end record made anew",
    usb(ONE_BY_ONE, "swap-two-answers"),
  ),
  edited(
    "answer-left-out",
    "The last answer is left out, with the end record made anew",
    usb(ONE_BY_ONE, "leave-the-last-answer-out"),
    ["replay"],
  ),
  edited("ended-early", "The recording ends early, with an end record that says so", usb(ONE_BY_ONE, "end-early"), [
    "replay",
  ]),
  edited(
    "other-boot",
    "The last answer is of another boot, with CRC and end record made anew",
    usb("usb/hash/many-at-once", "another-boot"),
    ["replay"],
  ),
  edited("model-as-hardware", "A model's recording claims to be of hardware", usb(ONE_BY_ONE, "claim-hardware")),
  edited("other-device", "A recording claims to be of another device", usb(ONE_BY_ONE, "claim-another-device")),
  edited("other-case", "A recording claims to be of another case", usb(ONE_BY_ONE, "claim-another-case"), ["replay"]),
  edited(
    "miner-as-hardware",
    "A simulated miner's recording claims to be of hardware",
    stratum(FIRST_SHARE, "claim-hardware"),
    ["replay"],
  ),
  edited(
    "share-forged",
    "A share has another nonce, with the end record made anew",
    stratum(FIRST_SHARE, "change-a-nonce"),
  ),
  edited(
    "good-share-refused",
    "A share that was accepted is refused as too easy, with the end record made anew",
    stratum(FIRST_SHARE, "refuse-what-was-accepted"),
  ),
  edited(
    "real-share-forged",
    "A share of the real LV06 has another nonce, with the end record made anew",
    stratum("lv06-shares", "change-a-nonce"),
  ),
  edited(
    "real-digit-flipped",
    "One digit of the real LV06's shares is another",
    stratum("lv06-shares", "flip-a-digit"),
  ),
  {
    ...edited(
      "times-changed",
      "Everything takes three times as long, with the end record made anew",
      usb(ONE_BY_ONE, "slow-the-clock"),
      [],
    ),
    survives:
      "Times are what a line happened to take: the host must bear them, and nothing in a recording tells true ones from others. A recording proves answers, never speed.",
  },
];
