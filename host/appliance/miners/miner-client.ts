/** How each kind of miner is asked, and what it can be told. */
import { AxeosClient, type Json } from "../../device/axeos/client.ts";
import { AxeosError } from "../../device/axeos/errors.ts";
import { readInfo } from "../../device/axeos/info.ts";
import { type Limits, LV06_LIMITS, S9_LIMITS } from "../../device/axeos/limits.ts";
import { isLocalAddress } from "../../device/axeos/local-address.ts";
import type { MinerReading } from "../../device/axeos/reading.ts";
import { CgminerClient } from "../../device/cgminer/client.ts";
import type { RequestOptions } from "../../device/device.ts";
import type { MinerUrl } from "./miner-url.ts";

export interface MinerClient {
  readonly limits: Limits;
  /** @throws AxeosError, CgminerError */
  read(options: RequestOptions): Promise<MinerReading>;
  /** Absent where it takes no orders. */
  readonly orders?: Pick<AxeosClient, "restart" | "pause" | "resume">;
}

export function minerClient({ kind, host, port }: MinerUrl): MinerClient {
  const options = { host, allowed: isLocalAddress, ...(port === undefined ? {} : { port }) };
  switch (kind) {
    case "axeos":
      return new AxeosMiner(new AxeosClient(options));
    case "s9": {
      const client = new CgminerClient(options);
      return { limits: S9_LIMITS, read: (how) => client.reading(how) };
    }
  }
}

/** What `/api/system/asic` tells since v2.9 that `/api/system/info` no longer does. */
const OF_ASIC = ["ASICModel", "deviceModel", "asicCount", "smallCoreCount"] as const;

class AxeosMiner implements MinerClient {
  readonly limits = LV06_LIMITS;
  readonly orders: AxeosClient;
  /** What the second address told: it does not change, so it is asked once. */
  #asic: Json | undefined;

  constructor(client: AxeosClient) {
    this.orders = client;
  }

  async read(options: RequestOptions): Promise<MinerReading> {
    const info = await this.orders.info(options);
    const reading = readInfo(info);
    if (reading.expectedGhs !== null && reading.model !== null) return reading;
    this.#asic ??= await this.#readAsic(options);
    return readInfo({ ...this.#asic, ...info });
  }

  /** Undefined where it did not answer: the next look asks again. */
  async #readAsic(options: RequestOptions): Promise<Json | undefined> {
    try {
      const asic = await this.orders.asic(options);
      return Object.fromEntries(OF_ASIC.flatMap((name) => (Object.hasOwn(asic, name) ? [[name, asic[name]]] : [])));
    } catch (error) {
      return error instanceof AxeosError && error.status !== undefined ? {} : undefined;
    }
  }
}
