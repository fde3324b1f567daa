/** The entries of `device.miners`. */
import { isIP } from "node:net";
import { isLocalAddress } from "../../device/axeos/local-address.ts";
import { ApplianceError } from "../error.ts";

export interface MinerUrl {
  readonly kind: "axeos" | "s9";
  /** Its name at the pool. */
  readonly worker: string;
  readonly host: string;
  readonly port?: number;
}

const ENTRY =
  /^(axeos|s9):\/\/([\x21-\x3f\x41-\x7e]{1,64})@(?:\[([0-9a-fA-F:.]{2,45}(?:%\w{1,15})?)\]|([A-Za-z0-9.-]{1,253}))(?::([0-9]{1,5}))?$/;

/** @throws ApplianceError MINER_ADDRESS */
export function parseMiner(entry: string): MinerUrl {
  const [, kind, worker, v6, name, portText] = ENTRY.exec(entry) ?? [];
  const host = v6 ?? name;
  if ((kind !== "axeos" && kind !== "s9") || worker === undefined || host === undefined) {
    throw new ApplianceError("MINER_ADDRESS", `"${entry}" names no miner`);
  }
  if (v6 !== undefined && isIP(v6) !== 6) throw new ApplianceError("MINER_ADDRESS", `"${v6}" is no IPv6 address`);
  if (kind === "s9" && isIP(host) === 0) {
    throw new ApplianceError("MINER_ADDRESS", `"${host}" is no numeric address, and an S9 has no name`);
  }
  if (isIP(host) !== 0 && !isLocalAddress(host)) {
    throw new ApplianceError("MINER_ADDRESS", `"${host}" is no address of the local network, and no other is asked`);
  }
  if (portText === undefined) return { kind, worker, host };
  const port = Number(portText);
  if (port < 1 || port > 65_535) throw new ApplianceError("MINER_ADDRESS", `${portText} is no port`);
  return { kind, worker, host, port };
}

/** @throws ApplianceError MINER_ADDRESS, MINER_TWICE */
export function parseMiners(entries: readonly string[]): readonly MinerUrl[] {
  const miners = entries.map(parseMiner);
  const names = miners.map(({ worker }) => worker);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ApplianceError("MINER_TWICE", `two miners have the worker name "${twice}"`);
  return miners;
}
