/** The miner that is to be paired: where it is, what it is called, and whether it can be paired at all. */
import { AxeosClient, type Json } from "../../device/axeos/client.ts";
import { AxeosError } from "../../device/axeos/errors.ts";
import { isLocalAddress } from "../../device/axeos/local-address.ts";
import type { MinerReading } from "../../device/axeos/reading.ts";
import { CgminerClient } from "../../device/cgminer/client.ts";
import { CgminerError } from "../../device/cgminer/errors.ts";
import { showEndpoint } from "../endpoint.ts";
import { PairError } from "./error.ts";
import { type Route, routeTo } from "./reach.ts";

/** A miner's web interface. */
export interface MinerAddress {
  readonly host: string;
  /** Default 80. */
  readonly port?: number;
}

/** The port of cgminer's interface. */
const CGMINER_PORT = 4028;

export function clientOf({ host, port }: MinerAddress): AxeosClient {
  return new AxeosClient({ host, ...(port === undefined ? {} : { port }), allowed: isLocalAddress });
}

/** As in an address line: brackets around IPv6, the port where it is not the usual one. */
export function showMiner({ host, port = 80 }: MinerAddress): string {
  if (port !== 80) return showEndpoint({ host, port });
  return host.includes(":") ? `[${host}]` : host;
}

/** By its MAC address, or by where it is if it does not tell: the maker's firmware does not. */
export function keyOf(miner: MinerAddress, { mac }: MinerReading): string {
  return mac?.replaceAll(":", "") ?? `at-${showMiner(miner).replace(/[^a-z0-9.-]+/gi, "-")}`;
}

/** A worker's name that no other miner gets. */
export function workerNameOf(first: string, miner: MinerAddress, { mac }: MinerReading): string {
  return `${first}.${mac?.replaceAll(":", "").slice(-6) ?? showMiner(miner).replace(/[^a-z0-9]+/gi, "-")}`;
}

/**
 * What the miner says of itself. An Antminer answers elsewhere and otherwise, and is named as one.
 *
 * @param seenBy where a miner at the end of this route reaches the pool
 * @throws AxeosError; PairError PAIR_BY_HAND
 */
export async function infoOf(
  miner: MinerAddress,
  seenBy: (route: Route) => string,
  cgminerPort = CGMINER_PORT,
): Promise<Json> {
  try {
    return await clientOf(miner).info();
  } catch (error) {
    if (!(error instanceof AxeosError) || error.code === "AXEOS_ADDRESS") throw error;
    const route = await routeTo(miner.host, cgminerPort).catch(() => undefined);
    if (route === undefined || !(await answersAsCgminer(route.remote, cgminerPort))) throw error;
    const words = `${miner.host} is no AxeOS miner but one with cgminer, such as an Antminer S9: its pool would be stratum+tcp://${seenBy(route)}, its worker one that device.stratum.workers admits, its password anything`;
    throw new PairError("PAIR_BY_HAND", words, { cause: error });
  }
}

async function answersAsCgminer(host: string, port: number): Promise<boolean> {
  try {
    await new CgminerClient({ host, port, allowed: isLocalAddress }).ask("summary");
    return true;
  } catch (error) {
    if (error instanceof CgminerError) return false;
    throw error;
  }
}
