/** A real device's own id, such as its chip's address: nothing that is kept of a run may tell it. */
import { createHash } from "node:crypto";
import type { Passed } from "./report.ts";
import type { Target } from "./target.ts";

/** Shorter ones are found by chance in anything. */
const LEAST_CHARS = 6;
const MOST_IDS = 16;
/** Of an address of six, the last one tells the chip's own interfaces from one another. */
const ADDRESS = /(?<![0-9a-f])[0-9a-f]{2}([:-]?)(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![0-9a-f])/i;
const OWN_OCTETS = 5;

/** Tells one device from another, and not which it is. */
export function redactedId(id: string): string {
  return `lv06-${createHash("sha256").update(`lv06/recording/device/1\0${id}`).digest("hex").slice(0, 8)}`;
}

/** What may not be told of a target; null of models, and of recordings, which were made so that they tell nothing. */
export function hiddenOf({ kind, identity }: Pick<Target, "kind" | "identity">): HiddenIds | null {
  return kind === "real" && !identity.simulated ? new HiddenIds([identity.id]) : null;
}

export class HiddenIds {
  /** By id: what may say it, and what stands for it. */
  readonly #ids = new Map<string, { readonly pattern: RegExp; readonly shown: string }>();

  /** @param ids those that are known */
  constructor(ids: readonly string[] = []) {
    for (const id of ids) this.learn(id);
  }

  /** One that was told. What stands for an id is none. */
  learn(id: string): void {
    const known = this.#ids.has(id) || [...this.#ids.values()].some(({ shown }) => shown === id);
    if (known || id === "" || this.#ids.size === MOST_IDS) return;
    this.#ids.set(id, { pattern: patternOf(id), shown: redactedId(id) });
  }

  /** The same text, with what stands for an id in the place of each. */
  text(text: string): string {
    return [...this.#ids.values()].reduce((all, { pattern, shown }) => all.replace(pattern, shown), text);
  }

  /** The same chunks of the same lengths, with ids made unreadable, also where a chunk ends in one. */
  chunks(chunks: readonly Passed[]): readonly Passed[] {
    const [write, read] = [this.#blank(chunks, "write"), this.#blank(chunks, "read")];
    const at = { write: 0, read: 0 };
    return chunks.map((chunk) => {
      const from = at[chunk.direction];
      at[chunk.direction] += chunk.bytes.length;
      const all = chunk.direction === "write" ? write : read;
      return { ...chunk, bytes: all.subarray(from, at[chunk.direction]) };
    });
  }

  #blank(chunks: readonly Passed[], direction: Passed["direction"]): Buffer {
    const own = chunks.filter((chunk) => chunk.direction === direction).map(({ bytes }) => bytes);
    const said = Buffer.concat(own).toString("latin1");
    const blank = [...this.#ids.values()].reduce(
      (all, { pattern }) => all.replace(pattern, (id) => "x".repeat(id.length)),
      said,
    );
    return Buffer.from(blank, "latin1");
  }
}

/** As it is, and as the address that it holds is written elsewhere. */
function patternOf(id: string): RegExp {
  const plain = id.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
  if (id.length < LEAST_CHARS) return new RegExp(`(?<=device=)${plain}(?![0-9A-Za-z])`, "gi");
  const octets = ADDRESS.exec(id)?.[0]
    .match(/[0-9a-f]{2}/gi)
    ?.slice(0, OWN_OCTETS);
  if (octets === undefined) return new RegExp(plain, "gi");
  return new RegExp(`${plain}|${octets.join("[:-]?")}[:-]?[0-9a-f]{2}`, "gi");
}
