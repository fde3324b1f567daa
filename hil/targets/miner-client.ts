/** What a miner's own words for itself tell: firmware and chip, as stock firmware and its relatives put them. */

export interface MinerClient {
  /** Whether an LV06 may say so: its own firmware, or an ESP-Miner for its chip. */
  readonly fits: boolean;
  readonly words: string;
}

const MAKERS_OWN = /^LuckyMiner\/(\w+)/i;
const ESP_MINER = /^bitaxe\/(\w+)/i;
const CHIP = "BM1366";

/** @param client as the miner sent it, printable, at most 64 characters */
export function minerClient(client: string): MinerClient {
  const [, stockChip] = MAKERS_OWN.exec(client) ?? [];
  const [, espChip] = ESP_MINER.exec(client) ?? [];
  const chip = stockChip ?? espChip;
  const calls = client === "" ? "it does not say what it is" : `it calls itself "${client}"`;
  if (chip === undefined) return { fits: false, words: `${calls}: neither an LV06's firmware nor ESP-Miner` };
  const firmware = stockChip === undefined ? "ESP-Miner" : "the maker's firmware";
  if (chip.toUpperCase() === CHIP) return { fits: true, words: `${calls}: ${firmware} on a ${CHIP}` };
  return { fits: false, words: `${calls}: ${firmware}, but on a ${chip}, and an LV06 has a ${CHIP}` };
}
