/** Which serial ports there are, read from /dev: `SerialPort.list` needs udevadm, which slim systems lack. */
import { readdir, realpath } from "node:fs/promises";
import { join } from "node:path";

export interface PortCandidate {
  readonly path: string;
  /** True for a name that follows the device from socket to socket. */
  readonly stable: boolean;
  /** What the path stands for at the moment, such as `/dev/ttyACM0`. */
  readonly port: string;
}

/**
 * Serial ports that may have a device behind them: stable names first, each port once, sorted.
 *
 * @param root where devices live, `/dev`
 */
export async function findPorts(root = "/dev"): Promise<readonly PortCandidate[]> {
  const named = await namesIn(join(root, "serial", "by-id"));
  const plain = (await namesIn(root)).filter((path) => /\/tty(ACM|USB)[0-9]+$/.test(path));
  const stable = await resolveAll(named, true);
  const known = new Set(stable.map((candidate) => candidate.port));
  const others = (await resolveAll(plain, false)).filter((candidate) => !known.has(candidate.port));
  return [...stable, ...others];
}

async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.sort().map((name) => join(folder, name));
}

/** A link whose port has just gone is left out. */
async function resolveAll(paths: readonly string[], stable: boolean): Promise<PortCandidate[]> {
  const found = await Promise.all(
    paths.map(async (path) => ({ path, stable, port: await realpath(path).catch(() => undefined) })),
  );
  return found.flatMap(({ port, ...rest }) => (port === undefined ? [] : [{ ...rest, port }]));
}
