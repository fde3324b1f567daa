import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeClock } from "../../device/testing/fake-clock.ts";
import { AnswerFile, AnswerFolder, answerFileName } from "./answer-file.ts";

let base: string;
let path: string;
let clock: FakeClock;
let counted: string[];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "answers-"));
  path = join(base, "miners");
  clock = new FakeClock();
  counted = [];
});
afterEach(() => rm(base, { recursive: true, force: true }));

const modeOf = async (name: string) => (await stat(name)).mode & 0o777;
const fileOf = (worker: string, folder = new AnswerFolder(path, [worker])) =>
  new AnswerFile({
    ...{ folder, clock, count: (code) => counted.push(code) },
    url: { kind: "axeos", worker, host: "10.0.0.6" },
  });
const answer = (n: number) => ({ simulated: false, readAtUtcMs: n, raw: `{"hashRate":${n}}` });
const kept = async (worker: string) => JSON.parse(await readFile(join(path, answerFileName(worker)), "utf8"));
/** Until the file says this; nothing is flushed. */
async function shows(readAtUtcMs: number): Promise<void> {
  await vi.waitFor(async () => expect(await kept("lv06")).toMatchObject({ readAtUtcMs }));
  for (let i = 0; i < 5; i++) await turn();
}

describe("a miner's latest answer", () => {
  test("is kept whole, with whose it is and when it was read, for nobody else to read", async () => {
    const file = fileOf("lv06");
    file.keep(answer(7), false);
    await file.flush();
    expect(await kept("lv06")).toEqual({
      ...{ worker: "lv06", kind: "axeos", host: "10.0.0.6", simulated: false, readAtUtcMs: 7 },
      raw: { hashRate: 7 },
    });
    expect(await modeOf(path)).toBe(0o700);
    expect(await modeOf(join(path, "lv06.json"))).toBe(0o600);
    expect(await readdir(path)).toEqual(["lv06.json"]);
    expect(counted).toEqual([]);
  });

  test("is written once a minute, or when an alarm changes, with or without a new answer", async () => {
    const file = fileOf("lv06");
    file.keep(answer(1), false);
    await shows(1);
    await clock.advance(59_000);
    file.keep(answer(2), false);
    for (let i = 0; i < 50; i++) await turn();
    expect((await kept("lv06")).readAtUtcMs).toBe(1);
    await clock.advance(1_000);
    file.keep(answer(3), false);
    await shows(3);
    file.keep(answer(4), false);
    file.keep(undefined, true);
    await shows(4);
    file.keep(answer(6), false);
    for (let i = 0; i < 50; i++) await turn();
    expect((await kept("lv06")).readAtUtcMs).toBe(4);
    file.keep(answer(5), false);
    await file.flush();
    expect((await kept("lv06")).readAtUtcMs).toBe(5);
  });

  test("that was too long is kept as null", async () => {
    const file = fileOf("lv06");
    file.keep({ ...answer(1), raw: null }, false);
    await file.flush();
    expect((await kept("lv06")).raw).toBeNull();
  });

  test("replaces what a crash left half written, and is not written into what a link points to", async () => {
    await mkdir(path, { mode: 0o755 });
    await chmod(path, 0o755);
    await writeFile(join(path, "gone.json.part"), "{half");
    await writeFile(join(base, "other"), "theirs");
    await symlink(join(base, "other"), join(path, "lv06.json.part"));
    const file = fileOf("lv06");
    file.keep(answer(1), false);
    await file.flush();
    expect(await readdir(path)).toEqual(["lv06.json"]);
    expect(await readFile(join(base, "other"), "utf8")).toBe("theirs");
    expect([await modeOf(path), await modeOf(join(path, "lv06.json"))]).toEqual([0o700, 0o600]);
  });

  test("that cannot be kept is counted, throws nothing, and the next one is tried", async () => {
    await writeFile(path, "no folder");
    const file = fileOf("lv06");
    file.keep(answer(1), false);
    await file.flush();
    expect(counted).toEqual(["EEXIST"]);
    await rm(path);
    file.keep(answer(2), true);
    await file.flush();
    expect((await kept("lv06")).readAtUtcMs).toBe(2);
    expect(counted).toHaveLength(1);
  });
});

test("the folder holds 64 files: of miners that are no longer configured the oldest go, of the others none", async () => {
  await mkdir(path);
  for (let i = 0; i < 70; i++) {
    await writeFile(join(path, `old-${i}.json`), "{}");
    await utimes(join(path, `old-${i}.json`), 1_000 + i, 1_000 + i);
  }
  await writeFile(join(path, "b.json"), "{}");
  await utimes(join(path, "b.json"), 1, 1);
  await new AnswerFolder(path, ["a", "b"]).write("a", "{}");
  const names = await readdir(path);
  expect(names).toHaveLength(64);
  expect(names).toEqual(expect.arrayContaining(["a.json", "b.json", "old-8.json", "old-69.json"]));
  expect(names).not.toContain("old-7.json");
});

describe("a file's name", () => {
  test("says the worker's, with nothing in it that a file system takes for something else", () => {
    expect(answerFileName("lv06.a")).toBe("lv06.a.json");
    expect(answerFileName("../a")).toBe("%2e.%2fa.json");
    expect(answerFileName("A")).toBe("%41.json");
    expect(answerFileName("/".repeat(64))).toHaveLength(197);
  });

  test("is another one for each worker, whatever the case, and leads nowhere else", () => {
    const worker = fc.stringMatching(/^[\x21-\x3f\x41-\x7e]{1,64}$/);
    fc.assert(
      fc.property(worker, worker, (a, b) => {
        const [one, other] = [answerFileName(a), answerFileName(b)];
        expect(one).toMatch(/^[a-z0-9_%-][a-z0-9._%-]*\.json$/);
        expect(one.toLowerCase() === other.toLowerCase()).toBe(a === b);
      }),
    );
  });
});
