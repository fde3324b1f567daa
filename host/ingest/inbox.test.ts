import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KeyRing } from "../base/key-ring.ts";
import { Vault } from "../base/vault.ts";
import type { Outcome } from "../pipeline/pipeline.ts";
import type { ImageRequest } from "../pipeline/request.ts";
import { Inbox, type InboxParts, type Refusal } from "./inbox.ts";
import { openKept } from "./kept-file.ts";

const limits = {
  rescanMs: 100,
  retryMs: 50,
  aloneMs: 60_000,
  maxFileBytes: 5000,
  maxInFlight: 2,
  keep: "encrypted" as const,
};
const vault = new Vault(KeyRing.parse(randomBytes(32).toString("hex")), { random: randomBytes });

let folder: string;
let inbox: Inbox | undefined;
let taken: ImageRequest[];
let refused: Refusal[];
let delayed: string[];
let outcome: (request: ImageRequest) => Outcome;

const served: Outcome = { kind: "result", recorded: true, data: {} as never };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "inbox-"));
  [taken, refused, delayed] = [[], [], []];
  outcome = () => served;
});

afterEach(async () => {
  await inbox?.stop();
  inbox = undefined;
  rmSync(folder, { recursive: true });
});

async function open(
  settleMs = 0,
  parts: Partial<InboxParts> = {},
  aloneMs = limits.aloneMs,
  keep: "encrypted" | "none" = "encrypted",
): Promise<void> {
  inbox = new Inbox(
    { folder, mode: "validation", ...limits, settleMs, aloneMs, keep },
    {
      process: async (request) => {
        taken.push(request);
        return outcome(request);
      },
      utcMs: Date.now,
      timeTrusted: () => true,
      monotonicMs: () => performance.now(),
      refused: async (refusal) => void refused.push(refusal),
      delayed: (code) => delayed.push(code),
      vault,
      ...parts,
    },
  );
  await inbox.start();
}

const put = (name: string, content: string | Uint8Array = name) => writeFileSync(join(folder, name), content);
/** A file that is on its way has a hidden name there. */
const present = (own: string) =>
  readdirSync(join(folder, own))
    .filter((name) => !name.startsWith("."))
    .sort();
/** What the kept files of a folder are, as their heads have it. */
const kept = (own: string) =>
  present(own)
    .filter((name) => name.endsWith(".lv06e"))
    .map((name) => openKept(vault, name.slice(0, -".lv06e".length), readFileSync(join(folder, own, name))));
const names = (own: string) =>
  kept(own)
    .map(({ head }) => head.reference)
    .sort();
const contentOf = (own: string, reference: string) =>
  kept(own)
    .filter(({ head }) => head.reference === reference)
    .map(({ content }) => content.toString());
const processed = () => names("processed");
const quarantined = () => names("quarantine");
const reasons = () =>
  present("quarantine")
    .filter((name) => name.endsWith(".reason.json"))
    .map((name) => readFileSync(join(folder, "quarantine", name), "utf8"));
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 40_000, interval: 10 });

/** An image is told of before it is moved away. */
async function allGone(): Promise<void> {
  await eventually(() => expect(inbox?.counts).toEqual({ inFlight: 0, waiting: 0 }));
}

describe("the inbox", () => {
  test("takes nothing while its results might find no room, and everything once they do", async () => {
    let refusal: string | null = "STORE_FULL";
    put("one.jpeg");
    await open(0, { refusal: () => refusal });
    put("two.jpeg");
    await eventually(() => expect(delayed.length).toBeGreaterThan(1));
    expect(new Set(delayed)).toEqual(new Set(["STORE_FULL"]));
    expect(taken).toEqual([]);
    expect(inbox?.counts).toEqual({ inFlight: 0, waiting: 2 });
    refusal = null;
    await eventually(() => expect(processed()).toEqual(["one.jpeg", "two.jpeg"]));
  });

  test("takes what is there at the start and what comes later, and keeps it in processed", async () => {
    put("early.jpeg");
    await open();
    put("late.jpeg");
    await eventually(() => expect(processed()).toEqual(["early.jpeg", "late.jpeg"]));
    expect(taken.map(({ reference }) => reference).sort()).toEqual(["early.jpeg", "late.jpeg"]);
    expect(taken.map(({ mode }) => mode)).toEqual(["validation", "validation"]);
    expect(Buffer.from(taken[0]?.bytes ?? []).toString()).toBe("early.jpeg");
  });

  test("keeps both of two files of one name", async () => {
    await open();
    put("a.jpeg", "one");
    await eventually(() => expect(processed()).toEqual(["a.jpeg"]));
    put("a.jpeg", "two");
    await eventually(() => expect(processed()).toEqual(["a.jpeg", "a.jpeg"]));
    expect(contentOf("processed", "a.jpeg").sort()).toEqual(["one", "two"]);
  });

  test("a file that is still being written is not touched until it keeps still", async () => {
    await open(400);
    put("growing.png", "1");
    for (let i = 0; i < 5; i++) {
      await sleep(120);
      appendFileSync(join(folder, "growing.png"), "1");
      expect(taken).toEqual([]);
    }
    await eventually(() => expect(processed()).toEqual(["growing.png"]));
    expect(taken.map(({ bytes }) => bytes.length)).toEqual([6]);
  });

  test("partial downloads and hidden files are left alone", async () => {
    for (const name of [".hidden.png", "a.part", "b.tmp", "c.png~"]) put(name);
    await open();
    put("z.png");
    await eventually(() => expect(processed()).toEqual(["z.png"]));
    expect(taken.length).toBe(1);
  });

  test("how much is put away is told, folder by folder", async () => {
    const told = new Map<string, number>();
    outcome = ({ reference }) =>
      reference === "bad.png" ? { kind: "refused", fileDigest: "f".repeat(64), code: "BAD", message: "bad" } : served;
    put("film.png");
    put("bad.png");
    put("long.png", new Uint8Array(limits.maxFileBytes + 1));
    await open(0, { kept: (place, sizeBytes) => told.set(place, (told.get(place) ?? 0) + sizeBytes) });
    const sizeOf = (own: string, ending: string) =>
      present(own)
        .filter((name) => name.endsWith(ending))
        .reduce((sum, name) => sum + statSync(join(folder, own, name)).size, 0);
    await eventually(() => expect([processed().length, quarantined().length]).toEqual([1, 2]));
    await eventually(() => expect(told.get(join(folder, "quarantine"))).toBeGreaterThan(limits.maxFileBytes));
    await eventually(() => expect(told.get(join(folder, "processed"))).toBe(sizeOf("processed", ".lv06e")));
  });

  test("a refused image is quarantined with its reason", async () => {
    outcome = () => ({ kind: "refused", fileDigest: "ab", code: "RASTER_EMPTY", message: "no bytes" });
    await open();
    put("bad.png", "");
    await eventually(() => expect(refused.map(({ code }) => code)).toEqual(["RASTER_EMPTY"]));
    await allGone();
    expect(quarantined()).toEqual(["bad.png"]);
    const [, id] = /^([0-9a-f]{32})\.lv06e$/.exec(present("quarantine")[0] ?? "") ?? [];
    expect(present("quarantine")).toEqual([`${id}.lv06e`, `${id}.reason.json`]);
    expect(JSON.parse(reasons()[0] ?? "")).toEqual({
      ...{ code: "RASTER_EMPTY", message: "no bytes", fileDigest: "ab" },
      utc: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  test.each([
    ["a folder", "INGEST_FOLDER", () => mkdirSync(join(folder, "odd"))],
    ["a link", "INGEST_LINK", () => symlinkSync("/etc/hostname", join(folder, "odd"))],
    ["a loop of links", "INGEST_LINK", () => symlinkSync("odd", join(folder, "odd"))],
    ["a file over the limit", "INGEST_TOO_LARGE", () => put("odd", Buffer.alloc(5001))],
  ])("%s is quarantined under another name and never opened", async (_, code, make) => {
    make();
    await open();
    await eventually(() => expect(refused.map((refusal) => refusal.code)).toEqual([code]));
    await allGone();
    expect(kept("quarantine").map(({ head }) => [head.reference, head.unread, head.sizeBytes])).toEqual([
      ["odd", true, 0],
    ]);
    expect(present("quarantine").map((name) => name.replace(/^[0-9a-f]{32}/, ""))).toEqual([
      ...[".lv06e", ".reason.json", ".unread"],
    ]);
    expect(JSON.parse(reasons()[0] ?? "").message).toMatch(/^the file /);
    expect(refused[0]?.message).toMatch(/^the file /);
    expect(taken).toEqual([]);
  });

  test("what cannot be served now stays and is tried again until it can", async () => {
    let tries = 0;
    outcome = () => (++tries < 3 ? { kind: "unavailable", code: "MODEL_MISSING", message: "no model" } : served);
    await open();
    put("patient.png");
    await eventually(() => expect(processed()).toEqual(["patient.png"]));
    expect(delayed).toEqual(["MODEL_MISSING", "MODEL_MISSING"]);
    expect(quarantined()).toEqual([]);
  });

  test("a result whose file cannot be moved away is made once, and the move is tried until it works", async () => {
    await open();
    rmSync(join(folder, "processed"), { recursive: true });
    writeFileSync(join(folder, "processed"), "in the way");
    put("film.png");
    await eventually(() => expect(delayed.length).toBeGreaterThan(2));
    rmSync(join(folder, "processed"));
    await eventually(() => expect(processed()).toEqual(["film.png"]));
    expect(taken.length).toBe(1);
  });

  test("a refused file with the longest name there is has its reason", async () => {
    outcome = () => ({ kind: "refused", fileDigest: "ab", code: "RASTER_FORMAT", message: "no image" });
    const name = `${"ü".repeat(125)}.png`;
    put(name);
    await open();
    await eventually(() => expect(refused.length).toBe(1));
    await allGone();
    expect(quarantined()).toEqual([name]);
    expect(reasons().length).toBe(1);
  });

  test("a film that replaces one in work under the same name is processed too", async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    await open(0, {
      process: async (request) => {
        taken.push(request);
        if (taken.length === 1) await held;
        return served;
      },
    });
    put("latest.png", "FIRST");
    await eventually(() => expect(taken.length).toBe(1));
    put(".latest", "SECOND");
    renameSync(join(folder, ".latest"), join(folder, "latest.png"));
    release();
    await eventually(() => expect(taken.length).toBe(2));
    expect(taken.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(["FIRST", "SECOND"]);
    await eventually(() => expect(contentOf("processed", "latest.png")).toEqual(["SECOND"]));
  });

  test("a file keeps its id over a restart, and has another one when it is put in again", async () => {
    outcome = () => ({ kind: "unavailable", code: "MODEL_MISSING", message: "no model" });
    put("film.png");
    await open();
    await eventually(() => expect(taken.length).toBeGreaterThan(0));
    await inbox?.stop();
    outcome = () => ({ kind: "known", code: "STORE_DUPLICATE", message: "stored already" });
    await open();
    await eventually(() => expect(processed()).toEqual(["film.png"]));
    expect(new Set(taken.map(({ id }) => id)).size).toBe(1);
    const before = taken.length;
    await eventually(() => expect(existsSync(join(folder, "film.png"))).toBe(false));
    put("film.png");
    await eventually(() => expect(taken.length).toBeGreaterThan(before));
    expect(taken.at(-1)?.id).not.toBe(taken[0]?.id);
  });

  test("a folder that goes away is named, made again and read again", async () => {
    await open();
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "in the way");
    await eventually(() => expect(inbox?.trouble).not.toBeNull());
    expect(delayed).toEqual(["INGEST_INBOX"]);
    rmSync(folder);
    await eventually(() => expect(inbox?.trouble).toBeNull());
    put("film.png");
    await eventually(() => expect(processed()).toEqual(["film.png"]));
  });

  test("a long list is counted, and worked off in order", async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    for (let i = 100; i < 150; i++) put(`${i}.png`);
    await open(0, {
      process: async (request) => {
        taken.push(request);
        await held;
        return served;
      },
    });
    await eventually(() => expect(inbox?.counts).toEqual({ inFlight: 2, waiting: 48 }));
    release();
    await eventually(() => expect(present("processed").length).toBe(50));
    // An image is done a moment after its file has been moved.
    await eventually(() => expect(inbox?.counts).toEqual({ inFlight: 0, waiting: 0 }));
    const order = taken.map(({ reference }) => reference);
    expect(order).toEqual([...order].sort());
  });

  test("of files that wait the oldest is taken first, whatever it is called and however old its own times are", async () => {
    put("z.png");
    await sleep(30);
    put("m.png");
    utimesSync(join(folder, "m.png"), 0, 0);
    await sleep(30);
    put("a.png");
    await open();
    await eventually(() => expect(taken.length).toBe(3));
    expect(taken.map(({ reference }) => reference)).toEqual(["z.png", "m.png", "a.png"]);
  });

  test("a refused file stays until that was told for good, and is told of again under the same id", async () => {
    outcome = () => ({ kind: "refused", fileDigest: "ab", code: "RASTER_EMPTY", message: "no bytes" });
    put("film.png");
    const told: Refusal[] = [];
    await open(0, {
      refused: async (refusal) => {
        told.push(refusal);
        expect(reasons().length).toBe(1);
        if (told.length < 3) throw new Error("no room");
      },
    });
    await eventually(() => expect(told.length).toBe(2));
    expect(existsSync(join(folder, "film.png"))).toBe(true);
    // As a kill would leave it: what is in quarantine has its reason, and the file is told of at the next start.
    await inbox?.stop();
    await open(0, { refused: async (refusal) => void told.push(refusal) });
    await eventually(() => expect(existsSync(join(folder, "film.png"))).toBe(false));
    expect(told.map(({ id }) => id)).toEqual(told.map(() => told[0]?.id));
    expect(quarantined()).toEqual(["film.png"]);
    expect(taken.length).toBe(2);
  });

  test("stopping waits for the image under way and leaves the rest for the next start", async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    await open(0, {
      process: async (request) => {
        taken.push(request);
        await held;
        return served;
      },
    });
    for (const name of ["a", "b", "c"]) put(`${name}.png`);
    await eventually(() => expect(taken.length).toBe(2));
    const stopped = inbox?.stop();
    release();
    await stopped;
    expect(processed()).toEqual(["a.png", "b.png"]);
    expect(existsSync(join(folder, "c.png"))).toBe(true);
    await open();
    await eventually(() => expect(processed()).toEqual(["a.png", "b.png", "c.png"]));
  });

  test("what is kept is the user's own, and says nothing in the open", async () => {
    put("MUELLER-HANS.png", "PIXELS-OF-HANS");
    await open();
    await eventually(() => expect(existsSync(join(folder, "MUELLER-HANS.png"))).toBe(false));
    const [name = ""] = present("processed");
    expect(name).toBe(`${taken[0]?.id}.lv06e`);
    const place = join(folder, "processed", name);
    expect(readFileSync(place, "latin1")).not.toMatch(/MUELLER|HANS|PIXELS/);
    expect([statSync(place).mode & 0o777, statSync(join(folder, "processed")).mode & 0o777]).toEqual([0o600, 0o700]);
    const { head } = openKept(vault, name.slice(0, 32), readFileSync(place));
    expect(head).toMatchObject({ reference: "MUELLER-HANS.png", sizeBytes: 14, unread: false });
  });

  test("what is put away while the clock is wrong has no time of its own yet", async () => {
    await open(0, { timeTrusted: () => false });
    put("film.png");
    await eventually(() => expect(processed()).toEqual(["film.png"]));
    const [name = ""] = present("processed");
    expect(statSync(join(folder, "processed", name)).mtimeMs).toBe((2 ** 31 - 1) * 1000);
  });

  test("where nothing is to be kept, a file is deleted with its sidecar once it has its result, and not before", async () => {
    outcome = ({ reference }) =>
      reference === "wait.png" ? { kind: "unavailable", code: "MODEL_MISSING", message: "no model" } : served;
    put("film.png.json", '{"age": 3}');
    for (const name of ["film.png", "wait.png"]) put(name);
    await open(0, {}, limits.aloneMs, "none");
    const left = () => readdirSync(folder).filter((name) => name.includes("."));
    await eventually(() => expect(left()).toEqual(["wait.png"]));
    expect(present("processed")).toEqual([]);
    expect(taken.length).toBeGreaterThan(1);
  });

  test("what a kill left half done is cleared up at the next start, and no film is lost by it", async () => {
    mkdirSync(join(folder, "processed"));
    const own = (name: string) => join(folder, "processed", name);
    writeFileSync(own(".abc.lv06e.part"), "half");
    writeFileSync(own("film"), "dealt with");
    const { ino, size, mtimeMs } = statSync(own("film"));
    renameSync(own("film"), own(`.${"a".repeat(32)}.${ino}-${size}-${mtimeMs}.gone`));
    writeFileSync(own(`.${"b".repeat(32)}.${ino}-${size}-${mtimeMs}.gone`), "another film");
    await open();
    await eventually(() => expect(processed()).toEqual(["returned-bbbbbbbb"]));
    expect(contentOf("processed", "returned-bbbbbbbb")).toEqual(["another film"]);
    expect(present("processed").length).toBe(1);
  });

  test("killed after a file was kept and before it was taken away, the appliance keeps it once", async () => {
    put("film.png");
    await open();
    await eventually(() => expect(existsSync(join(folder, "film.png"))).toBe(false));
    await inbox?.stop();
    const place = join(folder, "processed", `${taken[0]?.id}.lv06e`);
    const first = readFileSync(place);
    // The very file: its id is that of the first time.
    put("film.png", "is there again");
    const again = () => ({ kind: "known", code: "STORE_DUPLICATE", message: "stored already" }) as const;
    let keptBefore = "";
    await open(0, {
      process: async (request) => {
        writeFileSync(join(folder, "processed", `${request.id}.lv06e`), first);
        keptBefore = request.id;
        return again();
      },
    });
    await eventually(() => expect(existsSync(join(folder, "film.png"))).toBe(false));
    expect(present("processed").length).toBe(2);
    const { content } = openKept(vault, keptBefore, readFileSync(join(folder, "processed", `${keptBefore}.lv06e`)));
    expect(content.toString()).toBe("is there again");
  });

  test("an inbox that cannot be a folder is a named error", async () => {
    put("file", "x");
    const wrong = new Inbox(
      {
        folder: join(folder, "file"),
        mode: "inference",
        ...limits,
        settleMs: 0,
      },
      {
        process: async () => served,
        utcMs: Date.now,
        timeTrusted: () => true,
        monotonicMs: () => performance.now(),
        refused: async () => {},
        delayed: () => {},
        vault,
      },
    );
    await expect(wrong.start()).rejects.toMatchObject({ code: "INGEST_INBOX" });
  });
});

/** Stands still unless it is set. */
class Clock {
  atMs: number;
  #asked = 0;

  constructor(atMs: number) {
    this.atMs = atMs;
  }

  readonly utcMs = (): number => {
    this.#asked += 1;
    return this.atMs;
  };

  /** The inbox asks for the time once for every entry that it considers, one after the other. */
  async everyEntrySeen(entries: number): Promise<void> {
    const before = this.#asked;
    await eventually(() => expect(this.#asked).toBeGreaterThan(before + 2 * entries));
  }
}

describe("a clock that is set back by a day", () => {
  const DAY_MS = 86_400_000;

  test("does not keep a file waiting that is tried again, or that was being watched", async () => {
    let aheadMs = 0;
    let isThere = false;
    outcome = () => (isThere ? served : { kind: "unavailable", code: "MODEL_MISSING", message: "no model" });
    put("tried.png");
    await open(300, { utcMs: () => Date.now() + aheadMs });
    await eventually(() => expect(delayed).toContain("MODEL_MISSING"));
    put("watched.png");
    aheadMs = -DAY_MS;
    isThere = true;
    await eventually(() => expect(processed()).toEqual(["tried.png", "watched.png"]));
  });
});

describe("a sidecar", () => {
  const CHILD = '{"age": "004Y", "view": "AP", "modality": "DX", "bodyPart": "CHEST"}';
  const said = { ageYears: 4, view: "AP", modality: "DX", bodyPart: "CHEST" };
  const inInbox = () =>
    readdirSync(folder)
      .filter((name) => name.startsWith("film"))
      .sort();

  test("says what is known of its image, goes where it goes, and is no image itself", async () => {
    put("film.png.json", CHILD);
    put("film.png");
    put("other.png");
    await open();
    await eventually(() => expect(processed()).toEqual(["film.png", "film.png.json", "other.png"]));
    const statedOf = Object.fromEntries(taken.map(({ reference, stated }) => [reference, stated]));
    expect(statedOf).toEqual({ "film.png": said, "other.png": {} });
    expect(contentOf("processed", "film.png.json")).toEqual([CHILD]);
    await eventually(() => expect(inInbox()).toEqual([]));
    // An image is done a moment after its file has been moved.
    await eventually(() => expect(inbox?.counts).toEqual({ inFlight: 0, waiting: 0 }));
  });

  test("lies beside its own image, whatever else came under that name", async () => {
    await open();
    for (const age of [1, 2]) {
      put("film.png.json", `{"age": ${age}}`);
      put("film.png", `${age}`);
      await eventually(() => expect(inInbox()).toEqual([]));
    }
    expect(processed()).toEqual(["film.png", "film.png", "film.png.json", "film.png.json"]);
    const ages = taken.map(({ id }) => readFileSync(join(folder, "processed", `${id}.json.lv06e`)));
    const opened = taken.map(({ id }, index) => openKept(vault, `${id}.json`, ages[index] ?? Buffer.alloc(0)).content);
    expect(opened.map(String)).toEqual(['{"age": 1}', '{"age": 2}']);
    expect(taken.map(({ stated }) => stated.ageYears)).toEqual([1, 2]);
  });

  test("of a refused image lies beside it in quarantine", async () => {
    outcome = () => ({ kind: "refused", fileDigest: "ab", code: "RASTER_EMPTY", message: "no bytes" });
    put("film.png.json", CHILD);
    put("film.png", "");
    await open();
    await eventually(() => expect(refused.length).toBe(1));
    await allGone();
    expect([quarantined(), reasons().length]).toEqual([["film.png", "film.png.json"], 1]);
  });

  test.each<[string, string, string | Buffer]>([
    ["no JSON", "not JSON", "age 4"],
    ["half a file", "not JSON", '{"age": 4'],
    ["no text", "not JSON", Buffer.from([0x7b, 0xff, 0x7d])],
    ["a list", "not a JSON object", "[4]"],
    ["nothing", "not a JSON object", "null"],
    ["a field that nobody asked for", "other fields", '{"age": 4, "PatientName": "MUELLER^HANS"}'],
    ["a wrong age", "age is neither", '{"age": "MUELLER"}'],
    ["a wrong view", "view is no word", '{"view": "from: MUELLER"}'],
    ["more than it may be long", "the limit is 4096", `{"age": 4${" ".repeat(4096)}}`],
  ])("of %s is refused together with its image, and not repeated", async (_, words, content) => {
    put("film.png.json", content);
    put("film.png");
    await open();
    await eventually(() => expect(refused.length).toBe(1));
    await allGone();
    expect(quarantined()).toEqual(["film.png", "film.png.json"]);
    const [reason = ""] = reasons();
    expect(JSON.parse(reason)).toMatchObject({
      code: "INGEST_METADATA",
      message: expect.stringMatching(/^its sidecar/),
    });
    expect(reason).toContain(words);
    expect(reason + refused[0]?.message).not.toMatch(/MUELLER|film/);
    expect(taken).toEqual([]);
  });

  test("that is a link is not followed, and its image is refused", async () => {
    writeFileSync(join(folder, ".elsewhere"), CHILD);
    symlinkSync(".elsewhere", join(folder, "film.png.json"));
    put("film.png");
    await open();
    await eventually(() => expect(refused.map(({ code }) => code)).toEqual(["INGEST_LINK"]));
    await allGone();
    expect(taken).toEqual([]);
  });

  test("that is still being written holds its image back", async () => {
    // Before every file's own time, so that only what is watched counts.
    const clock = new Clock(0);
    put("film.png");
    put("film.png.json", "{");
    await open(400, { utcMs: clock.utcMs, monotonicMs: () => clock.atMs });
    for (const part of ['"age"', ": ", "4", "}"]) {
      await clock.everyEntrySeen(2);
      appendFileSync(join(folder, "film.png.json"), part);
      clock.atMs += 300;
    }
    await clock.everyEntrySeen(2);
    expect(taken).toEqual([]);
    clock.atMs += 400;
    await eventually(() => expect(processed()).toEqual(["film.png", "film.png.json"]));
    expect(taken.map(({ stated }) => stated.ageYears)).toEqual([4]);
  });

  test("waits for its image, however old its own times are, and is found alone at the end", async () => {
    const clock = new Clock(Date.now() + 1e9);
    put("film.png.json", CHILD);
    await open(0, { utcMs: clock.utcMs, monotonicMs: () => clock.atMs }, 1_000);
    put("other.png");
    await eventually(() => expect(processed()).toEqual(["other.png"]));
    clock.atMs += 999;
    await clock.everyEntrySeen(1);
    expect([inInbox(), quarantined()]).toEqual([["film.png.json"], []]);
    clock.atMs += 1;
    await eventually(() => expect(refused.length).toBe(1));
    await allGone();
    expect(quarantined()).toEqual(["film.png.json"]);
    expect(refused).toMatchObject([{ code: "INGEST_METADATA_ALONE", reference: "film.png.json" }]);
    expect(taken.map(({ reference }) => reference)).toEqual(["other.png"]);
  });

  test("is not alone while its image waits to be served", async () => {
    outcome = () => ({ kind: "unavailable", code: "MODEL_MISSING", message: "no model" });
    put("film.png.json", CHILD);
    put("film.png");
    await open(0, {}, 100);
    await eventually(() => expect(taken.length).toBeGreaterThan(5));
    expect([inInbox(), quarantined()]).toEqual([["film.png", "film.png.json"], []]);
    expect(taken.at(-1)?.stated).toEqual(said);
  });

  test("that was put in for the next image of the same name stays with that image", async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    await open(0, {
      process: async (request) => {
        taken.push(request);
        if (taken.length === 1) await held;
        return served;
      },
    });
    put("film.png.json", '{"age": 1}');
    put("film.png", "FIRST");
    await eventually(() => expect(taken.length).toBe(1));
    for (const [name, content] of [
      ["film.png.json", '{"age": 2}'],
      ["film.png", "SECOND"],
    ] as const) {
      put(`.${name}`, content);
      renameSync(join(folder, `.${name}`), join(folder, name));
    }
    release();
    await eventually(() => expect(processed()).toEqual(["film.png", "film.png.json"]));
    expect(taken.map(({ bytes, stated }) => [Buffer.from(bytes).toString(), stated.ageYears])).toEqual([
      ["FIRST", 1],
      ["SECOND", 2],
    ]);
  });

  test("makes a film that comes with other words another request", async () => {
    outcome = () => ({ kind: "unavailable", code: "MODEL_MISSING", message: "no model" });
    put("film.png");
    await open();
    await eventually(() => expect(taken.length).toBeGreaterThan(0));
    const before = taken.length;
    put(".said", CHILD);
    renameSync(join(folder, ".said"), join(folder, "film.png.json"));
    await eventually(() => expect(taken.at(-1)?.stated).toEqual(said));
    expect(taken.length).toBeGreaterThan(before);
    expect(taken.at(-1)?.id).not.toBe(taken[0]?.id);
  });
});
