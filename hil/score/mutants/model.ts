/** Defects of what stands for a device besides the core: sensors, board, and the simulated miners. */
import type { Mutant } from "../mutant.ts";

const SENSORS = "firmware-spec/model/sensors.c";
const BOARD = "firmware-spec/model/board.c";
const ASIC = "firmware-spec/model/asic.c";
const MINER = "host/device/stratum/testing/fake-miner.ts";

const IN_MODEL = { where: "model", hint: [], expected: ["model"] } as const;

export const MODEL_MUTANTS: readonly Mutant[] = [
  {
    ...IN_MODEL,
    id: "model/tenths-of-a-degree",
    what: "The ASIC's temperature comes in tenths of a degree",
    edits: [
      {
        file: SENSORS,
        from: "[LV06_TEMP_C] = {37000, 58000, 300, 3000},",
        to: "[LV06_TEMP_C] = {370000, 580000, 3000, 30000},",
      },
    ],
    hint: ["usb/health/units"],
  },
  {
    ...IN_MODEL,
    id: "model/power-in-milliwatts",
    what: "The power comes in mW",
    edits: [
      {
        file: SENSORS,
        from: "[LV06_POWER_W] = {4200, 12600, 60, 400},",
        to: "[LV06_POWER_W] = {4200000, 12600000, 60000, 400000},",
      },
    ],
    hint: ["usb/health/units"],
  },
  {
    ...IN_MODEL,
    id: "model/current-of-another-power",
    what: "The current is half of what power and voltage make it",
    edits: [
      {
        file: SENSORS,
        from: "readings->milli[LV06_POWER_W] * 1000 / (",
        to: "readings->milli[LV06_POWER_W] * 500 / (",
      },
    ],
    hint: ["usb/health/consistent"],
  },
  {
    ...IN_MODEL,
    id: "model/reset-reason-kept",
    what: "The reason of the first start is told for every start",
    edits: [
      { file: BOARD, from: "  board->reason = reason;\n", to: "  if (board->boot_us == 0) board->reason = reason;\n" },
    ],
    hint: ["usb/boot/notice", "usb/reset/new-boot", "usb/boot/crash-while-searching"],
  },
  {
    ...IN_MODEL,
    id: "model/uptime-over-a-boot",
    what: "Uptime goes on over a restart",
    edits: [
      {
        file: BOARD,
        from: "  board->boot_us = now_us(board);\n",
        to: "  if (board->boot_us == 0) board->boot_us = now_us(board);\n",
      },
    ],
    hint: ["usb/health/uptime"],
  },
  {
    ...IN_MODEL,
    id: "model/version-bits-lost",
    what: "The version bits that the ASIC rolled are not handed on",
    edits: [
      {
        file: ASIC,
        from: "found->version = asic->base_version | result.version_bits;",
        to: "found->version = asic->base_version;",
      },
    ],
    hint: ["usb/lies/wrong-nonce", "usb/work/found"],
  },
  {
    ...IN_MODEL,
    id: "model/earlier-jobs-nonces",
    what: "Nonces of the job before are handed on as the present one's",
    edits: [
      {
        file: ASIC,
        from: "} else if (!asic->working || result.job_id != asic->job_id) {",
        to: "} else if (!asic->working) {",
      },
    ],
    expected: [],
    survives:
      "The core checks every nonce against the present job before it tells one. A nonce of an earlier job only adds to the count of errors, which any board may have.",
  },
  {
    ...IN_MODEL,
    id: "miner/rolls-outside-the-mask",
    what: "The miner rolls bits that it was not granted",
    edits: [{ file: MINER, from: "& this.#options.profile.rolls) >>> 0;", to: "& 0x7fffe000) >>> 0;" }],
    hint: ["stratum/share/mask"],
  },
  {
    ...IN_MODEL,
    id: "miner/never-rolls",
    what: "The miner rolls no version, and repeats its work",
    edits: [{ file: MINER, from: "& this.#options.profile.rolls) >>> 0;", to: "& 0) >>> 0;" }],
    hint: ["stratum/share/rolls"],
  },
  {
    ...IN_MODEL,
    id: "miner/keeps-old-work",
    what: "The miner goes on with a job that a clean one replaced",
    edits: [
      {
        file: MINER,
        from: "    this.#job = job;\n    this.jobs += 1;",
        to: "    this.#job ??= job;\n    this.jobs += 1;",
      },
    ],
    hint: ["stratum/batch/next", "stratum/batch/drops-old-work"],
  },
  {
    ...IN_MODEL,
    id: "miner/sends-shares-twice",
    what: "The miner sends every share twice",
    edits: [
      {
        file: MINER,
        from: "    this.submit(params);\n  }\n",
        to: "    this.submit(params);\n    this.submit(params);\n  }\n",
      },
    ],
    hint: ["stratum/share/no-duplicates"],
  },
  {
    ...IN_MODEL,
    id: "miner/easy-shares",
    what: "The miner sends shares that miss their difficulty",
    edits: [
      {
        file: MINER,
        from: "if (difficultyOf(work.header) >= work.difficulty)",
        to: "if (difficultyOf(work.header) >= work.difficulty / 2)",
      },
    ],
    hint: ["stratum/share/no-duplicates", "stratum/share/difficulty"],
  },
  {
    ...IN_MODEL,
    id: "miner/old-difficulty",
    what: "The miner keeps to its first difficulty",
    edits: [
      {
        file: MINER,
        from: 'case "mining.set_difficulty":\n        this.difficulty = message.params[0];',
        to: 'case "mining.set_difficulty":\n        this.difficulty ??= message.params[0];',
      },
    ],
    hint: ["stratum/difficulty/honoured"],
  },
];
