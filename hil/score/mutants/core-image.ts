/** Defects of the device's core: images and the board. */
import type { Mutant } from "../mutant.ts";

const IMAGE = "firmware-spec/core/image.c";
const IMAGES = "firmware-spec/core/images.c";
const AHEAD = "firmware-spec/core/ahead.c";
const BOARD = "firmware-spec/core/board.c";

const IN_CORE = { where: "core", hint: [], expected: ["model"] } as const;

export const CORE_IMAGE_MUTANTS: readonly Mutant[] = [
  {
    ...IN_CORE,
    id: "core/inflated-rows-off-by-one",
    what: "Of inflated rows the last one is not taken",
    edits: [{ file: IMAGES, from: "good ? count : 0};", to: "good ? count - (count > 1u) : 0};" }],
    expected: ["model"],
    hint: ["usb/image/film-deflated", "usb/image/filters"],
  },
  {
    ...IN_CORE,
    id: "core/filter-two-rows-up",
    what: "Filtered rows are undone against the row before the one above",
    edits: [
      {
        file: IMAGE,
        from: "i == 0 ? NULL : row - width, width);",
        to: "i == 0 ? NULL : row - width - (i > 1u ? stride : 0u), width);",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/image/filters"],
  },
  {
    ...IN_CORE,
    id: "core/roots-of-the-rows-before",
    what: "Rows that come again do not change the roots",
    edits: [
      {
        file: AHEAD,
        from: "if (first < (last_band + 1u) * scale) forget(&core->ahead, i);",
        to: "if (first < (last_band + 1u) * scale) (void)last_band;",
      },
    ],
    hint: ["usb/image/rows-again"],
  },
  {
    ...IN_CORE,
    id: "core/highest-missing-row",
    what: "MISSING names a row behind the lowest missing one",
    edits: [
      {
        file: IMAGE,
        from: "while (row < image->height && (image->arrived[row / 8u] & bit(row)) != 0) row++;\n  return row;",
        to: "while (row < image->height && (image->arrived[row / 8u] & bit(row)) != 0) row++;\n  return row + 1u < image->height ? row + 1u : row;",
      },
    ],
    hint: ["usb/image/missing"],
  },
  {
    ...IN_CORE,
    id: "core/reset-repeated",
    what: "A RESET for the boot before restarts the device again",
    edits: [{ file: BOARD, from: "} else if (boot != r->core->boot) {", to: "} else if (boot == ~r->core->boot) {" }],
    hint: ["usb/reset/another-boot"],
  },
  {
    ...IN_CORE,
    id: "core/input-voltage-in-volts",
    what: "HEALTH says inputMv in V",
    edits: [
      {
        file: BOARD,
        from: "lv06_put_milli(&r->text, bounded(readings.milli[i]));",
        to: "lv06_put_milli(&r->text, bounded(readings.milli[i]) / (i == LV06_INPUT_MV ? 1000 : 1));",
      },
    ],
    hint: ["usb/health/units"],
  },
  {
    ...IN_CORE,
    id: "core/uptime-in-ms",
    what: "HEALTH counts uptimeS in ms",
    edits: [{ file: BOARD, from: "hal->clock_ms(hal->context) / 1000u);", to: "hal->clock_ms(hal->context));" }],
    hint: ["usb/health/uptime"],
  },
  {
    ...IN_CORE,
    id: "core/unknown-is-zero",
    what: "HEALTH says 0 for what the device does not know",
    edits: [
      {
        file: BOARD,
        from: 'if (!readings.known[i]) continue;\n    lv06_put_pair(&r->text, names[i], "");\n    lv06_put_milli(&r->text, bounded(readings.milli[i]));',
        to: 'lv06_put_pair(&r->text, names[i], "");\n    lv06_put_milli(&r->text, readings.known[i] && i != LV06_VR_TEMP_C ? bounded(readings.milli[i]) : 0);',
      },
    ],
    hint: ["usb/health/absent-not-zero"],
  },
];
