/**
 * Answers of `/api/system/info`. All are **constructed**: no miner was asked. Which fields a version has, of what type
 * and in which unit, is taken from the sources named at each; names, addresses and figures are invented (an LV06:
 * one BM1366 at 485 MHz on 5 V).
 */

type Payload = Readonly<Record<string, unknown>>;

const IDENTITY = { hostname: "lv06", macAddr: "02:00:00:00:00:06", ssid: "lan", wifiStatus: "Connected!" } as const;
const POOL = {
  stratumURL: "pool.example",
  stratumPort: 3333,
  stratumUser: "owner.lv06",
} as const;
const FALLBACK = {
  fallbackStratumURL: "second.example",
  fallbackStratumPort: 4333,
  fallbackStratumUser: "owner.lv06",
} as const;
const POWER = { power: 12.5, voltage: 5062.5, current: 2468.75, temp: 58, vrTemp: 0 } as const;
const CORE = { coreVoltage: 1200, coreVoltageActual: 1187, frequency: 485 } as const;

/** bitaxeorg/ESP-Miner v2.1.8, main/http_server/http_server.c. */
const V2_1_8: Payload = {
  ...POWER,
  fanSpeedRpm: 4120,
  hashRate: 431.7,
  bestDiff: "4.29M",
  bestSessionDiff: "118k",
  freeHeap: 181_204,
  ...CORE,
  ...IDENTITY,
  wifiPass: "owner's secret",
  sharesAccepted: 1204,
  sharesRejected: 3,
  uptimeSeconds: 86_400,
  asicCount: 1,
  smallCoreCount: 894,
  ASICModel: "BM1366",
  ...POOL,
  stratumPassword: "owner's secret",
  version: "v2.1.8",
  boardVersion: "0.11",
  runningPartition: "ota_0",
  flipscreen: 1,
  invertscreen: 0,
  invertfanpolarity: 1,
  autofanspeed: 1,
  fanspeed: 100,
};

const LATER = without(V2_1_8, ["wifiPass", "stratumPassword", "fanSpeedRpm"]);

/** v2.4: fallback pool, fan speed renamed, overheat mode. */
const V2_4: Payload = {
  ...LATER,
  ...FALLBACK,
  isUsingFallbackStratum: 0,
  fanrpm: 4120,
  overheat_mode: 0,
  version: "v2.4.5",
};

/** v2.8: expected hashrate, reject reasons, signal strength. */
const V2_8: Payload = {
  ...V2_4,
  expectedHashrate: 433.59,
  maxPower: 25,
  nominalVoltage: 5,
  wifiRSSI: -51,
  apEnabled: 0,
  sharesRejectedReasons: [{ message: "Job not found", count: 3 }],
  isPSRAMAvailable: 1,
  overclockEnabled: 0,
  idfVersion: "v5.4.1",
  version: "v2.8.0",
};

const UNCOUNTED = without(V2_8, ["asicCount"]);

/** v2.10: the chip count has moved to /api/system/asic, pool difficulty and response time are there. */
const V2_10: Payload = {
  ...UNCOUNTED,
  temp2: -1,
  poolDifficulty: 256,
  responseTime: 3.4,
  stratumSuggestedDifficulty: 1000,
  stratumExtranonceSubscribe: false,
  fallbackStratumSuggestedDifficulty: 1000,
  fallbackStratumExtranonceSubscribe: false,
  power_fault: "",
  axeOSVersion: "v2.10.0",
  version: "v2.10.0",
};

/** v2.11: difficulties are numbers, error percentage, each chip's rate. */
const V2_11: Payload = {
  ...V2_10,
  bestDiff: 4_290_000,
  bestSessionDiff: 118_000,
  errorPercentage: 0.42,
  manualFanSpeed: 100,
  minFanSpeed: 25,
  hashrateMonitor: { asics: [{ total: 431.7, errorCount: 12, domains: [107.9, 108.1, 107.6, 108.1] }] },
  version: "v2.11.0",
};

/** v2.12: averages, reset reason, TLS. */
const V2_12: Payload = {
  ...V2_11,
  hashRate_1m: 432.2,
  hashRate_10m: 429.8,
  hashRate_1h: 430.9,
  resetReason: "Reset due to power-on event",
  stratumTLS: 0,
  stratumCert: "",
  stratumDecodeCoinbase: true,
  version: "v2.12.0",
};

/** v2.14, main/http_server/system_api_json.c: pause, actual frequency, Stratum V2, faults only where there are any. */
const V2_14: Payload = {
  ...V2_12,
  actualFrequency: 485,
  fan2rpm: 0,
  miningPaused: false,
  networkStatus: "Connected!",
  networkMode: "wifi",
  stratumProtocol: "SV1",
  stratumV2AuthorityPubkey: "",
  stratumV2ChannelType: "extended",
  fallbackStratumProtocol: "SV1",
  useFallbackStratum: 0,
  power_fault: undefined,
  version: "v2.14.0",
};

function without(payload: Payload, names: readonly string[]): Payload {
  return Object.fromEntries(Object.entries(payload).filter(([name]) => !names.includes(name)));
}

const slot = (id: number, host: string, port: number) => ({
  id,
  stratumProtocol: "SV1",
  stratumURL: host,
  stratumPort: port,
  stratumUser: "owner.lv06",
  stratumPassword: "*****",
  stratumSuggestedDifficulty: 1000,
  stratumExtranonceSubscribe: false,
  stratumTLS: 0,
  stratumCert: "",
  stratumDecodeCoinbase: true,
  stratumV2ChannelType: "extended",
  stratumV2AuthorityPubkey: "",
  stratumV2RequireAuth: false,
});

/** v2.15: a table of eight pools, of which the top-level fields are a copy that cannot be written. */
const V2_15: Payload = {
  ...V2_14,
  pools: [slot(0, "pool.example", 3333), slot(1, "second.example", 4333)],
  primaryPoolIndex: 0,
  secondaryPoolIndex: 1,
  version: "v2.15.0",
};

/** BitsForPeople/ESP-Miner-LVXX at bd8ad11, from v2.9: heap by kind, booleans in places. */
const LVXX: Payload = {
  ...UNCOUNTED,
  temp2: 57.5,
  heapInfo: [
    { name: "internal", size: 333_000, free: 111_000 },
    { name: "psram", size: 8_000_000, free: 7_000_000 },
  ],
  poolDifficulty: 256,
  responseTime: 3,
  isUsingFallbackStratum: false,
  boardtemp1: 30,
  boardtemp2: 40,
  temptarget: 60,
  version: "v2.9.0-LVXX",
};

/** The maker's firmware, after a dump of an LV07 (UpstreamData/pyasic issue 280): few fields, `voltagei`, `fanSpeed`. */
const LUCKY: Payload = {
  power: 12.46,
  voltagei: 5015.625,
  current: 2484.375,
  fanSpeed: 4458,
  temp: 64,
  hashRate: 428.49877399184686,
  bestDiff: "400M",
  freeHeap: 8_445_720,
  coreVoltage: 1200,
  coreVoltageActual: 1178,
  frequency: 485,
  ssid: "lan",
  wifiStatus: "Connected!",
  sharesAccepted: 26_610,
  sharesRejected: 182,
  uptimeSeconds: 91_383,
  ASICModel: "BM1366",
  minerModel: "LV06",
  ...POOL,
  stratumPassword: "owner's secret",
  version: "1.1.0",
  boardVersion: "0.11",
  runningPartition: "factory",
  flipscreen: 1,
  invertscreen: 0,
  invertfanpolarity: 1,
  autofanspeed: 1,
  fanspeed: 100,
  selftest: 0,
  allowUpdate: 0,
  initMiner: "lucky",
};

/** The whitepaper's appendix A, whose hashrate is in H/s. */
const WHITEPAPER: Payload = {
  hostname: "LV06",
  version: "1.0.0",
  hashRate: 500_000_000_000,
  temp: 45,
  power: 3.5,
  sharesAccepted: 1234,
  sharesRejected: 5,
  uptimeSeconds: 86_400,
};

/** Constructed answers by version. */
export const PAYLOADS = {
  "v2.1.8": V2_1_8,
  "v2.4": V2_4,
  "v2.8": V2_8,
  "v2.10": V2_10,
  "v2.11": V2_11,
  "v2.12": V2_12,
  "v2.14": V2_14,
  "v2.15": V2_15,
  LVXX,
  Lucky: LUCKY,
  whitepaper: WHITEPAPER,
} as const satisfies Readonly<Record<string, Payload>>;

export type PayloadName = keyof typeof PAYLOADS;
