/** Stratum's lines in a recording, as messages: whoever said them. */
import type { Event } from "./format.ts";

export interface Message {
  readonly connection: number;
  readonly from: "host" | "device";
  readonly atUs: number;
  readonly id: unknown;
  /** Empty in an answer. */
  readonly method: string;
  readonly params: readonly unknown[];
  readonly result: unknown;
  readonly error: unknown;
}

/** What is no JSON object is left out; of a line in several chunks the last one's time counts. */
export function* messagesOf(events: readonly Event[]): Generator<Message, void> {
  const rests = new Map<string, string>();
  for (const event of events) {
    if (event.code !== "w" && event.code !== "r") continue;
    const { code, connection, atUs } = event;
    const key = `${code}${connection}`;
    const lines = ((rests.get(key) ?? "") + event.bytes.toString("utf8")).split("\n");
    rests.set(key, lines.pop() ?? "");
    for (const line of lines) {
      const message = messageOf(line);
      if (message !== undefined) yield { connection, from: code === "w" ? "host" : "device", atUs, ...message };
    }
  }
}

function messageOf(line: string): Omit<Message, "connection" | "from" | "atUs"> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { id, method, params, result, error }: Record<string, unknown> = { ...value };
  return {
    ...{ id, result, error },
    method: typeof method === "string" ? method : "",
    params: Array.isArray(params) ? params : [],
  };
}

/** Tells one question of a connection from another. */
export function questionKey({ connection, id }: Pick<Message, "connection" | "id">): string {
  return `${connection}/${JSON.stringify(id)}`;
}
