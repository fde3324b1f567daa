/** The image files below a folder, and work on many of them with a bounded window. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";

const EXTENSIONS = /\.(jpe?g|png|tiff?)$/i;
const DEPTH_MAX = 8;

/**
 * Image files below `folder`, relative, sorted; links are not followed, so a loop of them cannot trap us.
 *
 * @returns at most one more than `max`, which tells that there are too many
 * @throws the system's error when a folder cannot be read
 */
export async function imageFiles(folder: string, max: number): Promise<string[]> {
  const found: string[] = [];
  const walk = async (below: string, depth: number): Promise<void> => {
    if (depth > DEPTH_MAX) return;
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      const name = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) await walk(name, depth + 1);
      else if (entry.isFile() && EXTENSIONS.test(entry.name) && found.length <= max) found.push(name);
    }
  };
  await walk("", 0);
  return found.sort();
}

/** Works on `ahead` items at once and yields the answers in the items' order. */
export async function* inOrder<Item, Answer>(
  items: readonly Item[],
  ahead: number,
  work: (item: Item) => Promise<Answer>,
): AsyncGenerator<Answer> {
  const under: Promise<Answer>[] = [];
  for (const item of items) {
    const answer = work(item);
    // Whoever waits for it sees it fail; when nobody does any more, an earlier one has failed.
    answer.catch(() => {});
    under.push(answer);
    const first = under.length >= ahead ? under.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  yield* under;
}
