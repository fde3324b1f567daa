/** Defects of the device's core: rates and searches. */
import type { Mutant } from "../mutant.ts";

const RATE = "firmware-spec/core/rate.c";
const WORK = "firmware-spec/core/work.c";

const IN_CORE = { where: "core", hint: [], expected: ["model"] } as const;

export const CORE_WORK_MUTANTS: readonly Mutant[] = [
  {
    ...IN_CORE,
    id: "core/rate-not-given-up",
    what: "A rate that no request confirms is kept",
    edits: [
      {
        file: RATE,
        from: "if (rate->trying && left(time, rate->switched_ms, CONFIRM_MS) == 0) {",
        to: "if (rate->trying && left(time, rate->switched_ms, 60u * CONFIRM_MS) == 0) {",
      },
    ],
    expected: ["model"],
    hint: ["usb/baud/unconfirmed"],
  },
  {
    ...IN_CORE,
    id: "core/silence-ignored",
    what: "A device that hears nothing at a high rate stays there, where the next host does not look for it",
    edits: [
      {
        file: RATE,
        from: "} else if (rate->now != LV06_START_RATE && left(time, rate->heard_ms, SILENCE_MS) == 0) {",
        to: "} else if (rate->now == 0 && left(time, rate->heard_ms, SILENCE_MS) == 0) {",
      },
    ],
    expected: ["model"],
    hint: ["usb/baud/silence"],
  },
  {
    ...IN_CORE,
    id: "core/work-not-verified",
    what: "Any nonce that the ASIC reports is told as found",
    edits: [{ file: WORK, from: "if (hashed && meets(digest, s->job.target, 0)) {", to: "if (hashed) {" }],
    hint: ["usb/work/between-powers"],
  },
  {
    ...IN_CORE,
    id: "core/found-nonce-endianness",
    what: "The nonce is told least significant byte first",
    edits: [
      {
        file: WORK,
        from: "lv06_put_hex(text, s->nonce.nonce, 8);",
        to: "uint32_t n = s->nonce.nonce;\n  lv06_put_hex(text, n << 24 | (n & 0xff00u) << 8 | (n >> 8 & 0xff00u) | n >> 24, 8);",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/work/found"],
  },
  {
    ...IN_CORE,
    id: "core/start-begins-again",
    what: "START of the running search begins it anew",
    edits: [
      { file: WORK, from: "if (r->core->search.state == LV06_NONE || r->core->search.id != id) begin", to: "begin" },
    ],
    hint: ["usb/work/start-again"],
  },
  {
    ...IN_CORE,
    id: "core/deadline-not-enforced",
    what: "A search goes on beyond its deadline",
    edits: [
      {
        file: WORK,
        from: "now(core) - s->start_ms >= s->deadline_ms) end(core, LV06_EXPIRED);",
        to: "now(core) - s->start_ms >= 60u * (uint64_t)s->deadline_ms) end(core, LV06_EXPIRED);",
      },
    ],
    hint: ["usb/work/expires"],
  },
  {
    ...IN_CORE,
    id: "core/stop-does-not",
    what: "STOP is answered, and the search goes on",
    edits: [
      { file: WORK, from: "if (core->search.state == LV06_RUNNING) end(core, LV06_STOPPED);", to: "(void)core;" },
    ],
    expected: ["model"],
    hint: ["usb/work/stopped"],
  },
  {
    ...IN_CORE,
    id: "core/end-told-twice",
    what: "The end of a search is told at every turn",
    edits: [
      { file: WORK, from: "core->search.ended = false;", to: "core->search.ended = core->search.state == LV06_FOUND;" },
    ],
    hint: ["usb/work/result-stays"],
  },
  {
    ...IN_CORE,
    id: "core/no-progress-notices",
    what: "A search says nothing until it ends",
    edits: [
      {
        file: WORK,
        from: "s->ended || (s->state == LV06_RUNNING && now(core) >= s->notice_ms)",
        to: "s->ended || (s->state == LV06_RUNNING && now(core) >= s->notice_ms + DEADLINE_MAX_MS)",
      },
    ],
    hint: ["usb/work/tells-how-it-goes"],
  },
];
