/** In which order the entries of a folder came into it. */
import { lstat } from "node:fs/promises";
import { join } from "node:path";

const AT_ONCE = 64;

/**
 * The oldest first. By change time: a file that is renamed into a folder, or copied with its times, is as new there as
 * any other.
 *
 * @param goesOn asked now and then; once it says no, the rest counts as the newest
 */
export async function inOrderOfArrival(
  folder: string,
  names: readonly string[],
  goesOn: () => boolean,
): Promise<string[]> {
  const arrived = new Map<string, number>();
  for (let from = 0; from < names.length && goesOn(); from += AT_ONCE) {
    const look = async (name: string) => {
      const stats = await lstat(join(folder, name)).catch(() => undefined);
      if (stats !== undefined) arrived.set(name, stats.ctimeMs);
    };
    await Promise.all(names.slice(from, from + AT_ONCE).map(look));
  }
  const timeOf = (name: string) => arrived.get(name) ?? Number.MAX_VALUE;
  return names.toSorted((a, b) => timeOf(a) - timeOf(b) || (a < b ? -1 : 1));
}
