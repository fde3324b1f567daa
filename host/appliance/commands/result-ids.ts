/**
 * Ids of the results that commands make: the same command has the same, so that one that comes again after a restart finds
 * its result. They are published, so they are keyed: who has no key cannot try words out on them.
 */
import type { Vault } from "../../base/vault.ts";
import type { ResultData } from "../../mqtt/messages.ts";
import type { ResultReader } from "../../store/reader.ts";

/** The id under the present key, then those that older keys gave. */
export type ResultIds = (command: string, commandId: string, of: string) => readonly [string, ...string[]];

export function resultIds(vault: Pick<Vault, "tag" | "tags">): ResultIds {
  return (command, commandId, of) => {
    const [purpose, known] = ["command's result", JSON.stringify([command, commandId, of])];
    const [, ...older] = vault.tags(purpose, known).map((tag) => tag.toString("hex"));
    return [vault.tag(purpose, known).toString("hex"), ...older];
  };
}

/** The result that such a command has made already. @throws StoreError */
export function resultOf(reader: ResultReader, ids: readonly string[]): ResultData | undefined {
  const found = ids.map((id) => reader.get(id)).find((stored) => stored !== undefined);
  return found === undefined ? undefined : ({ replaces: null, ...found.data } as ResultData);
}
