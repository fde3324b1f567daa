/** Workers that do not do what they should: each ends the wait for it, by name. */
import { expect, test } from "vitest";
import { ScenarioWorker } from "./scenario-worker.ts";

const program = (source: string) => new URL(`data:text/javascript,${encodeURIComponent(source)}`);
const LISTENS = 'import { parentPort } from "node:worker_threads"; const say = (said) => parentPort.postMessage(said);';

/** What comes of a worker that is given seed 7 and the 49 after it, and nothing else. */
async function playedBy(source: string, stuckMs?: number): Promise<readonly string[]> {
  const worker = new ScenarioWorker("usb", { program: program(source), ...(stuckMs === undefined ? {} : { stuckMs }) });
  const seeds = [{ from: 7, count: 50 }];
  return worker.play({ take: () => seeds.shift(), heed: () => {} });
}

test("one that cannot play says why", async () => {
  const source = `${LISTENS} parentPort.on("message", () => say({ kind: "broken", message: "clang: not found" }));`;
  await expect(playedBy(source)).rejects.toThrow("a worker cannot play: clang: not found");
});

test("one that falls is told", async () => {
  await expect(playedBy('throw new Error("no such module");')).rejects.toThrow("no such module");
});

test("one that never comes back is ended, and its seeds are named", async () => {
  const source = `${LISTENS} parentPort.on("message", () => { for (;;); });`;
  expect(await playedBy(source, 300)).toEqual(["it is stuck at seeds 7 to 56"]);
});

test("what is wrong with all that it played is told at the end", async () => {
  const answers = '{ play: { kind: "played", failures: [] }, end: { kind: "ended", memory: "memory grew" } }';
  const source = `${LISTENS} parentPort.on("message", ({ kind }) => say((${answers})[kind]));`;
  expect(await playedBy(source)).toEqual(["memory grew"]);
});
