import { isIPv6 } from "node:net";

export interface Endpoint {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `host:port` or `[IPv6]:port`. Undefined for anything else.
 *
 * @param leastPort 0 where any free port may be meant; default 1
 */
export function parseEndpoint(text: string, leastPort = 1): Endpoint | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || !(port >= leastPort && port <= 65_535)) return undefined;
  return bracketed === undefined || isIPv6(host) ? { host, port } : undefined;
}

export function showEndpoint({ host, port }: Endpoint): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
