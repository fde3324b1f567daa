/**
 * How the known clients open a connection, what they can take, and what they trip over.
 *
 * Sources: bitaxeorg/ESP-Miner (5c27713 and v2.1.8), BitsForPeople/ESP-Miner-LVXX (bd8ad11),
 * Luckyminer888/LV07-Miner (bd3f772), ckolivas/cgminer (b8491c6) and what was published of bmminer.
 */

export interface Opening {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

export interface Profile {
  readonly name: string;
  /** What it sends, in its order. */
  readonly opening: (worker: string) => readonly Opening[];
  /** Whether it sends the next message only after an answer to the one before. */
  readonly patient: boolean;
  /** The first id of its submits, and the one after which it starts again. */
  readonly submitIds: readonly [first: number, last: number];
  /** Bits that its chip rolls. */
  readonly rolls: number;
  /** What it survives; null: no bound. */
  readonly lineBytes: number | null;
  readonly branches: readonly [least: number, most: number];
  readonly coinbaseBytes: number | null;
  readonly extranonce2Bytes: readonly [least: number, most: number];
  /** Whether an answer without `error` leaves it without extranonce. */
  readonly needsErrorKey: boolean;
  /** Whether extranonce2 starts at 0 with every job. */
  readonly startsAtZero: boolean;
}

const ask = (id: number, method: string, ...params: unknown[]): Opening => ({ id, method, params });
const rolling = (id: number) =>
  ask(id, "mining.configure", ["version-rolling"], { "version-rolling.mask": "ffffffff" });

const BM1366_ROLLS = 0x1fffe000;

const ESP: Omit<Profile, "name" | "opening"> = {
  patient: false,
  submitIds: [5, Number.MAX_SAFE_INTEGER],
  rolls: BM1366_ROLLS,
  lineBytes: null,
  branches: [0, 32],
  coinbaseBytes: null,
  extranonce2Bytes: [3, 32],
  needsErrorKey: false,
  startsAtZero: true,
};

/** ESP-Miner v2.15: everything in one go, extranonce subscription on. */
export const ESP_MINER: Profile = {
  ...ESP,
  name: "ESP-Miner v2.15",
  opening: (worker) => [
    rolling(1),
    ask(2, "mining.subscribe", "bitaxe/BM1366/v2.15.0"),
    ask(3, "mining.authorize", worker, "x"),
    ask(4, "mining.suggest_difficulty", 1000),
    ask(5, "mining.extranonce.subscribe"),
  ],
};

/** The fork for Lucky miners: bounded buffers, and a pointer that nobody set where there is no branch. */
export const LVXX: Profile = {
  ...ESP,
  name: "ESP-Miner-LVXX",
  opening: (worker) => [
    rolling(1),
    ask(2, "mining.subscribe", "bitaxe/BM1366/v2.6.5-LVXX"),
    ask(3, "mining.authorize", worker, "x"),
    ask(4, "mining.suggest_difficulty", 1000),
    ask(4, "mining.extranonce.subscribe"),
  ],
  submitIds: [200, 299],
  lineBytes: 15_871,
  branches: [1, 32],
  coinbaseBytes: 512,
  startsAtZero: false,
};

/** The closest known to an LV06's stock firmware. */
export const STOCK: Profile = {
  ...ESP,
  name: "stock (LV07-Miner)",
  opening: (worker) => [
    ask(1, "mining.subscribe", "LuckyMiner/BM1366/v2.4.0"),
    rolling(2),
    ask(3, "mining.authorize", worker, "x"),
    ask(4, "mining.suggest_difficulty", 1000),
  ],
  needsErrorKey: true,
};

/** ESP-Miner v2.1.8, the oldest in the field: suggests before it authorises, counts ids in 16 bits. */
export const OLDEST: Profile = {
  ...STOCK,
  name: "ESP-Miner v2.1.8",
  opening: (worker) => [
    ask(1, "mining.subscribe", "bitaxe/BM1366 (v2.1.8)"),
    rolling(2),
    ask(3, "mining.suggest_difficulty", 1000),
    ask(4, "mining.authorize", worker, "x"),
  ],
  submitIds: [5, 32_767],
};

/** Antminer S9: waits for each answer, ids of its own, two version bits, extranonce2 of at most 8 bytes. */
export const S9: Profile = {
  ...ESP,
  name: "Antminer S9 (bmminer)",
  patient: true,
  opening: (worker) => [
    ask(4, "mining.configure", ["version-rolling"], {
      "version-rolling.mask": "00c00000",
      "version-rolling.min-bit-count": 2,
    }),
    ask(9, "mining.subscribe", "bmminer/2.0.0/Antminer S9/13500"),
    ask(10, "mining.authorize", worker, "123"),
    ask(11, "mining.extranonce.subscribe"),
  ],
  submitIds: [12, Number.MAX_SAFE_INTEGER],
  rolls: 0x00c00000,
  extranonce2Bytes: [2, 8],
};

export const PROFILES: readonly Profile[] = [ESP_MINER, LVXX, STOCK, OLDEST, S9];

/** By turns. */
export function profileAt(index: number): Profile {
  const profile = PROFILES[index % PROFILES.length];
  if (profile === undefined) throw new RangeError(`profile ${index}`);
  return profile;
}
