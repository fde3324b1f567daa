/** Digests of blocks, by HASH or by BATCH, whichever the line carries faster (SPEC.md §5.3, §5.4). */

import { SHA256_BYTES } from "../../../work/sha256.ts";
import type { RequestOptions } from "../../device.ts";
import { DeviceError } from "../../errors.ts";
import { dataThatFits, mostCobsBytes } from "../../link/cobs.ts";
import type { Hello } from "../hello.ts";
import type { Reply } from "../request.ts";
import type { Session } from "../session.ts";
import { badReply, bytes32, expectWords, hex } from "./data.ts";
import { runPool } from "./pool.ts";

const HASH_DEADLINE_MS = 120_000;
/** `~0001 HASH `, SP, CRC and LF around the digits. */
const HASH_BYTES = 21;
const HASH_REPLY_BYTES = 92;
/** `~0001 BATCH 1024 digests :`, SP, CRC and LF around the payload. */
const BATCH_BYTES = 36;
const BATCH_REPLY_BYTES = 29;

interface Task {
  readonly verb: "HASH" | "BATCH";
  /** All of one size. */
  readonly blocks: readonly number[];
}

/** @throws DeviceError */
export async function hashBlocks(
  session: Session,
  blocks: readonly Uint8Array[],
  { signal, deadlineMs = HASH_DEADLINE_MS }: RequestOptions & { readonly deadlineMs?: number },
  nowMs: () => number,
): Promise<Uint8Array[]> {
  const { hello } = session;
  const unfit = blocks.find((block) => block.length === 0 || block.length > hello.maxBlockBytes);
  if (unfit !== undefined) {
    throw new DeviceError(
      "DEVICE_LIMIT",
      `a block of ${unfit.length} bytes; the device takes 1 to ${hello.maxBlockBytes}`,
    );
  }
  const endMs = nowMs() + deadlineMs;
  const digests: Uint8Array[] = new Array(blocks.length);
  const tasks = planTasks(blocks, hello, session.lineBytes);
  await runPool(tasks, { width: hello.credits.lines, signal }, async (task, _, stop) => {
    const data = task.blocks.map((index) => blocks[index] ?? new Uint8Array());
    const found = await ask(session, task.verb, data, { signal: stop, deadlineMs: endMs - nowMs() });
    for (const [i, index] of task.blocks.entries())
      digests[index] = found.subarray(i * SHA256_BYTES, (i + 1) * SHA256_BYTES);
  });
  return digests;
}

/** Blocks of one size share lines, in as few as hold them; what a line carries better alone goes by HASH. */
export function planTasks(
  blocks: readonly Uint8Array[],
  hello: Pick<Hello, "capabilities" | "maxReplyBytes">,
  lineBytes: number,
): readonly Task[] {
  const bySize = new Map<number, number[]>();
  for (const [index, { length }] of blocks.entries()) {
    const same = bySize.get(length);
    if (same === undefined) bySize.set(length, [index]);
    else same.push(index);
  }
  const batches = hello.capabilities.has("batch");
  return [...bySize].flatMap(([size, indices]) => {
    const most = batches ? batchBlocks(size, lineBytes, hello.maxReplyBytes) : 0;
    const count = Math.min(most, indices.length);
    const alone = indices.map((index): Task => ({ verb: "HASH", blocks: [index] }));
    if (count === 0 || !batchIsFaster(size, count, lineBytes)) return alone;
    return cut(indices, most).map((part): Task => ({ verb: "BATCH", blocks: part }));
  });
}

function batchBlocks(size: number, lineBytes: number, replyBytes: number): number {
  const out = Math.floor(dataThatFits(lineBytes - BATCH_BYTES) / size);
  const back = Math.floor(dataThatFits(replyBytes - BATCH_REPLY_BYTES) / SHA256_BYTES);
  return Math.min(out, back);
}

/** Both directions run at once: the fuller one decides. A block too long for HASH's line has no choice. */
function batchIsFaster(size: number, count: number, lineBytes: number): boolean {
  const alone = HASH_BYTES + 2 * size;
  if (alone > lineBytes) return true;
  const out = BATCH_BYTES + mostCobsBytes(count * size);
  const back = BATCH_REPLY_BYTES + mostCobsBytes(count * SHA256_BYTES);
  return Math.max(out, back) < count * Math.max(alone, HASH_REPLY_BYTES);
}

function cut(indices: readonly number[], most: number): readonly (readonly number[])[] {
  const parts = Math.ceil(indices.length / most);
  return Array.from({ length: parts }, (_, i) => indices.slice(i * most, (i + 1) * most));
}

async function ask(
  session: Session,
  verb: Task["verb"],
  blocks: readonly Uint8Array[],
  options: { readonly signal: AbortSignal; readonly deadlineMs: number },
): Promise<Buffer> {
  const [first = new Uint8Array()] = blocks;
  if (verb === "HASH") {
    return bytes32(verb, await session.request({ verb, args: [hex(first)], replyBytes: HASH_REPLY_BYTES, ...options }));
  }
  const replyBytes = BATCH_REPLY_BYTES + mostCobsBytes(blocks.length * SHA256_BYTES);
  const args = [String(first.length), "digests"];
  const reply = await session.request({ verb, args, payload: Buffer.concat(blocks), replyBytes, ...options });
  return digestsOf(reply, blocks.length);
}

function digestsOf(reply: Reply, count: number): Buffer {
  expectWords("BATCH", reply, 0, true);
  const { payload } = reply;
  if (payload?.length === count * SHA256_BYTES) return Buffer.from(payload);
  throw badReply("BATCH", [...reply.args, `${payload?.length ?? 0} bytes for ${count} digests`]);
}
