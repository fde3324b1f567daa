/**
 * Answers of an Antminer S9 on port 4028. All are **constructed**: no miner was asked. The fields, their types and
 * the broken comma of stock firmware follow UpstreamData/pyasic (rpc/base.py, backends/antminer.py) and published
 * dumps of bmminer 2.0.0; the figures are invented.
 */

const SLOTS = Array.from({ length: 16 }, (_, index) => index + 1);

function slotted(prefix: string, values: Readonly<Record<number, unknown>>, empty: unknown) {
  return Object.fromEntries(SLOTS.map((slot) => [`${prefix}${slot}`, values[slot] ?? empty]));
}

export const STATUS = [
  { STATUS: "S", When: 1_700_000_000, Code: 70, Msg: "BMMiner stats", Description: "bmminer 1.0.0" },
];

export const ABOUT = {
  BMMiner: "2.0.0",
  Miner: "30.0.1.3",
  CompileTime: "Mon Jan 1 00:00:00 UTC 2018",
  Type: "Antminer S9",
};

export const FIGURES = {
  STATS: 0,
  ID: "BC50",
  Elapsed: 42_713,
  "GHS 5s": "13463.21",
  "GHS av": 13_512.4,
  miner_count: 3,
  frequency: "631",
  fan_num: 2,
  ...slotted("fan", { 3: 5_880, 6: 4_920 }, 0),
  temp_num: 3,
  ...slotted("temp", { 6: 61, 7: 58, 8: 60 }, 0),
  ...slotted("temp2_", { 6: 91, 7: 87, 8: 89 }, 0),
  total_rateideal: 13_500.42,
  total_acn: 189,
  total_rate: 13_463.2,
  temp_max: 61,
  "Device Hardware%": 0.0021,
  no_matching_work: 113,
  ...slotted("chain_acn", { 6: 63, 7: 63, 8: 63 }, 0),
  ...slotted("chain_acs", { 6: " oooooooo oooooooo", 7: " oooooooo oooooooo", 8: " oooooooo oooooooo" }, ""),
  ...slotted("chain_hw", { 6: 40, 7: 31, 8: 42 }, 0),
  ...slotted("chain_rate", { 6: "4487.11", 7: "4501.90", 8: "4474.20" }, ""),
  chain_xtime6: "{X5=1,X22=1}{}",
  miner_version: "30.0.1.3",
};

export const SUMMARY = {
  STATUS,
  SUMMARY: [
    {
      Elapsed: 42_713,
      "GHS 5s": "13463.21",
      "GHS av": 13_512.4,
      Accepted: 9_812,
      Rejected: 14,
      "Hardware Errors": 113,
      "Best Share": 118_227_401,
    },
  ],
  id: 1,
};

export const POOLS = {
  STATUS,
  POOLS: [
    {
      POOL: 0,
      URL: "stratum+tcp://10.0.0.2:3333",
      Status: "Alive",
      Priority: 0,
      Diff: "8.19K",
      "Stratum Active": true,
    },
    { POOL: 1, URL: "stratum+tcp://p.example:3333", Status: "Alive", Priority: 1, Diff: "", "Stratum Active": false },
  ],
  id: 1,
};

/** As stock firmware sends it: no comma between the two objects of STATS. */
export const BROKEN_STATS = JSON.stringify({ STATUS, STATS: [ABOUT, FIGURES], id: 1 }).replace(
  '"Type":"Antminer S9"},{',
  '"Type":"Antminer S9"}{',
);

export const REFUSAL = JSON.stringify({
  STATUS: [{ STATUS: "E", When: 1, Code: 45, Msg: "Access denied to 'restart' command", Description: "bmminer 1.0.0" }],
  id: 1,
});

/** Question → text, without the NUL that ends it. */
export const ANSWERS: Readonly<Record<string, string>> = {
  stats: BROKEN_STATS,
  summary: JSON.stringify(SUMMARY),
  pools: JSON.stringify(POOLS),
};
