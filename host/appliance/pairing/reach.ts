/** Where a miner reaches the local pool. */
import { BlockList, connect, isIP, isIPv4, isIPv6 } from "node:net";
import { errorMessage } from "../../base/error.ts";
import { AxeosError } from "../../device/axeos/errors.ts";
import { type Endpoint, showEndpoint } from "../endpoint.ts";
import { PairError } from "./error.ts";

/** The two ends of a connection from here to a miner, as numeric addresses. */
export interface Route {
  readonly local: string;
  readonly remote: string;
}

export interface ReachOptions {
  /** `device.stratum.listen`. */
  readonly listen: Endpoint;
  /** As it was asked for: `--advertise`, else `device.stratum.advertise`. */
  readonly advertise: Endpoint | null;
  readonly route: Route;
}

const ROUTE_DEADLINE_MS = 5_000;
const EVERYWHERE: readonly string[] = ["0.0.0.0", "::"];
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");

/**
 * What is handed to a miner: what was asked for, else the address where the pool listens, else (it listens on every
 * address) the one that we reach the miner from.
 *
 * @throws PairError PAIR_LOOPBACK, PAIR_ADVERTISE
 */
export function poolAsSeenBy({ listen, advertise, route }: ReachOptions): Endpoint {
  if (advertise !== null) return advertise;
  if (isLoopback(listen.host)) {
    if (isLoopback(route.remote)) return listen;
    const words = `the pool listens on ${showEndpoint(listen)}, where only this computer reaches it, and the miner is at ${route.remote}`;
    throw new PairError("PAIR_LOOPBACK", words);
  }
  if (!EVERYWHERE.includes(listen.host)) return listen;
  // Firmware of these families speaks IPv4 to its pool.
  if (isIPv4(route.local)) return { host: route.local, port: listen.port };
  throw new PairError("PAIR_ADVERTISE", `the miner is reached from ${route.local}, which it may not know as a pool`);
}

/** How the operating system gets to a miner. @throws AxeosError AXEOS_UNREACHABLE, AXEOS_DEADLINE */
export function routeTo(host: string, port: number): Promise<Route> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: ROUTE_DEADLINE_MS });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.once("timeout", () => fail(new AxeosError("AXEOS_DEADLINE", `${host}:${port} took no connection in time`)));
    socket.once("error", (error) =>
      fail(new AxeosError("AXEOS_UNREACHABLE", `${host}:${port}: ${errorMessage(error)}`, { cause: error })),
    );
    socket.once("connect", () => {
      const { localAddress = "", remoteAddress = "" } = socket;
      socket.destroy();
      resolve({ local: plainAddress(localAddress), remote: plainAddress(remoteAddress) });
    });
  });
}

/** An IPv4 address that came over a socket for both. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=[0-9.]+$)/, "");
}

function isLoopback(host: string): boolean {
  if (isIP(host) === 0) return host.toLowerCase() === "localhost";
  return LOOPBACK.check(host, isIPv6(host) ? "ipv6" : "ipv4");
}
