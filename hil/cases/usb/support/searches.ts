/** Searches of work proofs on the raw line, and how hard they may be. */

import type { Frame, LinkEvent } from "../../../../host/device/link/frame.ts";
import { randomHex8 } from "../../../../host/device/session/handshake.ts";
import { parseWork, WORK_STATES, type WorkStatus } from "../../../../host/device/session/work-status.ts";
import { targetOfDifficulty } from "../../../../host/work/target.ts";
import { workTemplate } from "../../../../host/work/template.ts";
import type { UsbBench } from "../../../rig/bench.ts";
import { expectThat } from "../../../rig/case.ts";
import { seeded } from "./driver.ts";
import { hexOf, okWords, shown } from "./expect.ts";
import type { RawLine } from "./raw-line.ts";

/** What nothing finds while a case lasts. */
export const HOPELESS = 2 ** 60;
const DEADLINE_MS = 20_000;

/** What the device finds within some tens of ms: a processor that searches needs an easier one. */
export function easy(bench: UsbBench): number {
  return bench.can.has("work-scale") ? 2 ** -20 : 1;
}

export interface Wanted {
  readonly difficulty: number;
  readonly deadlineMs?: number;
  readonly versionMask?: number;
}

/** A header of this case's own and the words that START takes after the id. */
export function drawJob(bench: UsbBench, { difficulty, deadlineMs = DEADLINE_MS, versionMask }: Wanted) {
  const random = seeded(bench);
  const template = workTemplate({
    commitment: random.bytes(32),
    ntime: Math.floor(bench.utcMs() / 1000),
    extranonce: random.bytes(8),
  });
  const target = targetOfDifficulty(difficulty);
  const mask = versionMask ?? template.versionMask;
  const words = [hexOf(template.header), hexOf(target), mask.toString(16).padStart(8, "0"), String(deadlineMs)];
  return { id: randomHex8(bench.random), header: template.header, target, mask, words };
}

export type Drawn = ReturnType<typeof drawJob>;

export function start(line: RawLine, { id, words }: Drawn): Promise<Frame> {
  return line.ask("WORK", ["START", id, ...words]);
}

/** What a reply to WORK says of the search. */
export function statusOf(reply: Frame, of: string): WorkStatus {
  const status = parseWork(okWords(reply, of));
  expectThat(status !== undefined, `${of} was answered with ${shown(reply)}, states are ${WORK_STATES.join(", ")}`);
  return status;
}

/** The notices of a search's end that were heard. */
export function endsHeard(heard: readonly LinkEvent[], id: string): WorkStatus[] {
  return heard.flatMap((event) => {
    if (event.kind !== "frame" || event.frame.seq !== 0 || event.frame.verb !== "WORK") return [];
    const status = parseWork(event.frame.args.slice(1));
    return status?.id === id && status.state !== "running" ? [status] : [];
  });
}

/** Waits for the notice that a search has ended. */
export async function ended(line: RawLine, id: string): Promise<WorkStatus> {
  await line.until((event) => endsHeard([event], id).length > 0, 0, DEADLINE_MS);
  const [status] = endsHeard(line.heard, id);
  expectThat(status !== undefined, `no notice of search ${id}`);
  return status;
}
