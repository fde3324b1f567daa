/** What devices and miners say of themselves, as metrics in base units. */
import type { HealthData } from "../mqtt/messages.ts";
import type { Labels, MetricSet } from "./metric-set.ts";

type Readings = HealthData["device"]["readings"];

/** Reading → the metric's name after its prefix, the factor to its unit, and what it is. */
const READINGS: readonly (readonly [reading: string, name: string, factor: number, help: string])[] = [
  ["tempC", "temperature_celsius", 1, "Of the hottest chip"],
  ["boardTempC", "board_temperature_celsius", 1, "Of the board"],
  ["vrTempC", "regulator_temperature_celsius", 1, "Of the voltage regulator"],
  ["powerW", "power_watts", 1, "Input power, or the firmware's estimate on boards without a meter"],
  ["inputMv", "input_volts", 1e-3, "Supply voltage"],
  ["currentMa", "input_amperes", 1e-3, "Supply current"],
  ["coreMv", "core_volts", 1e-3, "Core voltage as measured"],
  ["coreSetMv", "core_set_volts", 1e-3, "Core voltage as set"],
  ["frequencyMhz", "frequency_hertz", 1e6, "Of the chips"],
  ["hashrateGhs", "hashes_per_second", 1e9, "Its own word"],
  ["hashrateLongGhs", "hashes_long_per_second", 1e9, "Its own word, over ten minutes or longer"],
  ["expectedGhs", "hashes_expected_per_second", 1e9, "What frequency and core count promise"],
  ["fanRpm", "fan_rpm", 1, "Of the slowest fan"],
  ["fanPercent", "fan_drive_ratio", 1e-2, "How hard the fan is driven"],
  ["sharesAccepted", "own_shares_accepted", 1, "Its own word; starts again at 0 with another pool"],
  ["sharesRejected", "own_shares_rejected", 1, "Its own word; starts again at 0 with another pool"],
  ["errorPercent", "nonce_error_ratio", 1e-2, "Nonces that did not verify, of all"],
  ["errors", "asic_errors", 1, "Nonces that did not verify and damaged answers, since it started"],
  ["uptimeS", "uptime_seconds", 1, "Since it started"],
  ["freeHeapB", "free_heap_bytes", 1, "Free memory"],
  ["rssiDbm", "wifi_rssi_dbm", 1, "WiFi signal"],
  ["poolMs", "pool_round_trip_seconds", 1e-3, "Its own word"],
  ["chipsMissing", "chips_missing", 1, "Chips that should be there and are not"],
  ["fallbackPool", "on_fallback_pool", 1, "Whether it works for its second pool"],
  ["miningPaused", "paused", 1, "Whether it was told to pause"],
  ["overheated", "overheated", 1, "Whether the firmware stopped mining because of heat"],
  ["oddityCount", "impossible_readings", 1, "Fields of its last answer that cannot be"],
];

export function addReadings(set: MetricSet, prefix: string, readings: Readings, labels: Labels): void {
  for (const [reading, name, factor, help] of READINGS) {
    const value = readings[reading];
    if (value === undefined || typeof value === "string") continue;
    set.gauge(`${prefix}_${name}`, help, Number(value) * factor, labels);
  }
}
