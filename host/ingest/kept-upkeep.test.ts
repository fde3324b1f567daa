import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KeyRing } from "../base/key-ring.ts";
import { Vault } from "../base/vault.ts";
import { openKept, sealKept } from "./kept-file.ts";
import { beyondLimits, type KeptLimits } from "./kept-limits.ts";
import { type KeptFolder, KeptUpkeep } from "./kept-upkeep.ts";

const DAY_MS = 86_400_000;
const NOW = 100 * DAY_MS;
const NOBODY = 65_534;
const ROOMY: KeptLimits = { maxBytes: 1_000, maxFiles: null, maxAgeMs: null };
const [OLD, NEW] = ["01".repeat(31).concat("02"), "03".repeat(31).concat("04")];
const vaultOf = (...keys: string[]) => new Vault(KeyRing.parse(keys.join("\n")), { random: randomBytes });

describe("what is beyond the limits", () => {
  const kept = [3, 1, 2].map((day) => ({ id: `day ${day}`, utcMs: day * DAY_MS, sizeBytes: 100 }));
  const gone = (limits: Partial<KeptLimits>) => beyondLimits(kept, { ...ROOMY, ...limits }, 4 * DAY_MS);

  test("is nothing while all fit", () => {
    expect(gone({ maxBytes: 300, maxFiles: 3, maxAgeMs: 3 * DAY_MS })).toEqual([]);
    expect(beyondLimits([], { maxBytes: 0, maxFiles: 0, maxAgeMs: 0 }, NOW)).toEqual([]);
  });

  test.each<[string, Partial<KeptLimits>, readonly string[]]>([
    ["bytes", { maxBytes: 299 }, ["day 1"]],
    ["bytes by far", { maxBytes: 99 }, ["day 1", "day 2", "day 3"]],
    ["number", { maxFiles: 1 }, ["day 1", "day 2"]],
    ["age", { maxAgeMs: 3 * DAY_MS - 1 }, ["day 1"]],
    ["age, of all", { maxAgeMs: 0 }, ["day 1", "day 2", "day 3"]],
    ["age and bytes", { maxAgeMs: 2 * DAY_MS, maxBytes: 100 }, ["day 1", "day 2"]],
  ])("is the oldest, by %s", (_, limits, ids) => {
    expect(gone(limits)).toEqual(ids);
  });

  test.each<[number, readonly string[]]>([
    [1, ["day 1"]],
    [100, ["day 1"]],
    [101, ["day 1", "day 2"]],
    [1e9, ["day 1", "day 2", "day 3"]],
  ])("frees the %i bytes that the disk lacks", (lacking, ids) => {
    expect(beyondLimits(kept, ROOMY, 4 * DAY_MS, lacking)).toEqual(ids);
  });
});

describe("the upkeep of kept files", () => {
  let folder = "";
  let removed: number[];
  let failedFiles: string[];
  beforeEach(() => {
    failedFiles = [];
    folder = mkdtempSync(join(tmpdir(), "kept-"));
    removed = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const idOf = (digit: string) => digit.repeat(32);
  const put = async (digit: string, endings: readonly string[], day: number, vault = vaultOf(OLD)) => {
    for (const ending of endings) {
      const place = join(folder, `${idOf(digit)}${ending}`);
      const id = `${idOf(digit)}${ending}`.replace(/\.lv06e$/, "");
      const about = { reference: `film ${digit}`, utcMs: day, unread: false };
      writeFileSync(place, ending.endsWith(".lv06e") ? await sealKept(vault, id, about, Buffer.from(digit)) : "why");
      utimesSync(place, day * 86_400, day * 86_400);
    }
  };
  const present = () => readdirSync(folder).sort();
  /** Root may remove everything: a test of what may not be removed is run as somebody else. */
  const asSomebody = async (work: () => Promise<void>): Promise<void> => {
    if (process.geteuid?.() !== 0) return work();
    for (const place of [folder, ...readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)))])
      chownSync(place, NOBODY, NOBODY);
    process.seteuid?.(NOBODY);
    try {
      await work();
    } finally {
      process.seteuid?.(0);
    }
  };
  const upkeep = (limits: Partial<KeptFolder> = {}, vault = vaultOf(OLD), timeTrusted = true, lackingBytes = 0) =>
    new KeptUpkeep({
      folders: [{ path: folder, givesWay: true, ...ROOMY, maxBytes: 1e6, ...limits }],
      lackingBytes: () => lackingBytes,
      fileFailed: (code, id) => failedFiles.push(`${code} ${id}`),
      vault,
      utcMs: () => NOW,
      timeTrusted: () => timeTrusted,
      removed: (files) => removed.push(files),
      failed: (error) => {
        throw error;
      },
    });

  test.each<[string, Partial<KeptFolder>, number]>([
    ["files", { maxFiles: 2 }, 1],
    ["bytes", {}, 1.1e6],
  ])(
    "does not wait ten minutes where a folder has outgrown its limit of %s",
    async (_, limits, sizeBytes) => {
      for (const [day, digit] of [..."abc"].entries()) await put(digit, [".lv06e"], day + 1);
      const tidy = upkeep({ maxAgeMs: 98 * DAY_MS, ...limits });
      tidy.start();
      try {
        await vi.waitFor(() => expect(removed).toEqual([1]), { timeout: 10_000 });
        await put("d", [".lv06e"], 0.5);
        tidy.grew(join(folder, "elsewhere"), 1e9);
        tidy.grew(folder, sizeBytes);
        await vi.waitFor(() => expect(removed).toEqual([1, 1]), { timeout: 10_000 });
      } finally {
        await tidy.stop();
      }
    },
    30_000,
  );

  test("removes an image with all that lies beside it, the oldest first, and nothing that is not ours", async () => {
    await put("a", [".lv06e", ".json.lv06e", ".reason.json"], 1);
    await put("b", [".lv06e"], 2);
    mkdirSync(join(folder, `${idOf("a")}.unread`));
    writeFileSync(join(folder, "film.png"), "from an older version");
    await upkeep({ maxFiles: 1 }).tidy();
    expect(present()).toEqual([`${idOf("b")}.lv06e`, "film.png"]);
    expect(removed).toEqual([1]);
  });

  test("goes on past a file that cannot be removed, keeps what tells of it, and tells code and id only", async () => {
    await put("a", [".lv06e", ".reason.json"], 1);
    await put("b", [".lv06e"], 2);
    const unread = join(folder, `${idOf("a")}.unread`);
    mkdirSync(unread);
    writeFileSync(join(unread, "Mustermann.dcm"), "");
    chmodSync(unread, 0o500);
    await asSomebody(() => upkeep({ maxFiles: 0 }).tidy());
    expect(present()).toEqual([`${idOf("a")}.lv06e`, `${idOf("a")}.unread`]);
    expect(failedFiles).toEqual([expect.stringMatching(new RegExp(`^E[A-Z]+ ${idOf("a")}$`))]);
    expect(removed).toEqual([1]);
    chmodSync(unread, 0o700);
    await upkeep({ maxFiles: 0 }).tidy();
    expect(present()).toEqual([]);
  });

  test("goes on past what cannot be read", async () => {
    await put("b", [".lv06e"], 2);
    mkdirSync(join(folder, `${idOf("a")}.lv06e`));
    await upkeep({}, vaultOf(NEW, OLD)).tidy();
    expect(failedFiles).toEqual([`EISDIR ${idOf("a")}`]);
    expect(openKept(vaultOf(NEW), idOf("b"), readFileSync(join(folder, `${idOf("b")}.lv06e`))).head.utcMs).toBe(2);
  });

  test("a folder that cannot be looked into is told, and the next one is", async () => {
    const file = join(folder, "no folder");
    writeFileSync(file, "");
    await put("a", [".lv06e"], 1);
    const failed: unknown[] = [];
    const of = (path: string) => ({ path, givesWay: false, ...ROOMY, maxBytes: 0 });
    await new KeptUpkeep({
      ...{ folders: [of(file), of(folder)], vault: vaultOf(OLD), utcMs: () => NOW, timeTrusted: () => true },
      ...{ lackingBytes: () => 0, removed: () => {}, fileFailed: () => {}, failed: (error) => failed.push(error) },
    }).tidy();
    expect(failed).toMatchObject([{ code: "ENOTDIR" }]);
    expect(present()).toEqual(["no folder"]);
  });

  test("the oldest give way where the disk lacks room, and none in a folder that does not", async () => {
    await put("a", [".lv06e"], 1);
    await put("b", [".lv06e"], 2);
    await upkeep({ givesWay: false }, vaultOf(OLD), true, 1).tidy();
    expect(present().length).toBe(2);
    await upkeep({}, vaultOf(OLD), true, 1).tidy();
    expect(present()).toEqual([`${idOf("b")}.lv06e`]);
  });

  test("a round that was stopped removes nothing", async () => {
    await put("a", [".lv06e"], 1);
    await upkeep({ maxFiles: 0 }).tidy(AbortSignal.abort());
    expect(present().length).toBe(1);
  });

  test("counts the bytes of all that belongs to an image", async () => {
    await put("a", [".lv06e", ".json.lv06e"], 1);
    await put("b", [".lv06e"], 2);
    const bytes = present().reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    await upkeep({ maxBytes: bytes }).tidy();
    expect(present().length).toBe(3);
    await upkeep({ maxBytes: bytes - 1 }).tidy();
    expect(present()).toEqual([`${idOf("b")}.lv06e`]);
  });

  test("removes nothing for its age while the clock may be wrong", async () => {
    await put("a", [".lv06e"], 1);
    await upkeep({ maxAgeMs: DAY_MS }, vaultOf(OLD), false).tidy();
    expect(present().length).toBe(1);
    await upkeep({ maxAgeMs: DAY_MS }).tidy();
    expect(present()).toEqual([]);
  });

  test("what was put away while nobody knew the time, or by a clock that was ahead, is as old as is known for certain", async () => {
    await put("a", [".lv06e"], 1);
    await put("b", [".lv06e"], 150);
    const place = join(folder, `${idOf("c")}.lv06e`);
    await put("c", [".lv06e"], 1);
    utimesSync(place, 2 ** 31 - 1, 2 ** 31 - 1);
    await upkeep({ maxAgeMs: DAY_MS }, vaultOf(OLD), false).tidy();
    expect(statSync(place).mtimeMs).toBe((2 ** 31 - 1) * 1000);
    await upkeep({ maxAgeMs: DAY_MS }).tidy();
    expect(present()).toEqual([`${idOf("b")}.lv06e`, `${idOf("c")}.lv06e`]);
    for (const name of present()) expect(statSync(join(folder, name)).mtimeMs).toBe(NOW);
  });

  test("brings what an older key encrypted under the current one, as old as it was", async () => {
    await put("a", [".lv06e", ".json.lv06e"], 1);
    await put("b", [".lv06e"], 2, vaultOf(NEW));
    const place = join(folder, `${idOf("b")}.lv06e`);
    const before = readFileSync(place);
    await upkeep({}, vaultOf(NEW, OLD)).tidy();
    for (const name of present()) {
      const id = name.slice(0, -".lv06e".length);
      const { head, content } = openKept(vaultOf(NEW), id, readFileSync(join(folder, name)));
      expect([head.reference, String(content)]).toEqual([`film ${name[0]}`, name[0]]);
    }
    expect(statSync(join(folder, `${idOf("a")}.lv06e`)).mtimeMs).toBe(DAY_MS);
    expect(readFileSync(place)).toEqual(before);
  });

  test("leaves what is damaged, no kept file, or of a key that is not known, and goes on", async () => {
    await put("a", [".lv06e"], 1);
    await put("b", [".lv06e"], 1, vaultOf("05".repeat(31).concat("06")));
    await put("c", [".lv06e"], 1);
    const damaged = join(folder, `${idOf("a")}.lv06e`);
    writeFileSync(damaged, readFileSync(damaged).subarray(0, -1));
    writeFileSync(join(folder, `${idOf("d")}.lv06e`), "");
    const before = [readFileSync(damaged), readFileSync(join(folder, `${idOf("b")}.lv06e`))];
    await upkeep({}, vaultOf(NEW, OLD)).tidy();
    expect([readFileSync(damaged), readFileSync(join(folder, `${idOf("b")}.lv06e`))]).toEqual(before);
    expect(openKept(vaultOf(NEW), idOf("c"), readFileSync(join(folder, `${idOf("c")}.lv06e`))).head.utcMs).toBe(1);
  });

  test("of a folder that is not there does nothing, and stops when it is told to", async () => {
    rmSync(folder, { recursive: true });
    const running = upkeep();
    running.start();
    running.start();
    await running.stop();
    await running.stop();
    expect(removed).toEqual([]);
    mkdirSync(folder);
  });
});
