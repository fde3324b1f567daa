import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Outcome } from "../pipeline/pipeline.ts";
import type { ImageRequest } from "../pipeline/request.ts";
import { Inbox, type InboxParts, type Refusal } from "./inbox.ts";

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

async function open(settleMs = 0, parts: Partial<InboxParts> = {}): Promise<void> {
  inbox = new Inbox(
    { folder, mode: "validation", settleMs, rescanMs: 100, retryMs: 50, maxFileBytes: 1000, maxInFlight: 2 },
    {
      process: async (request) => {
        taken.push(request);
        return outcome(request);
      },
      nowMs: Date.now,
      refused: (refusal) => refused.push(refusal),
      delayed: (code) => delayed.push(code),
      ...parts,
    },
  );
  await inbox.start();
}

const put = (name: string, content: string | Uint8Array = name) => writeFileSync(join(folder, name), content);
const processed = () => readdirSync(join(folder, "processed")).sort();
const quarantined = () => readdirSync(join(folder, "quarantine")).sort();
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 10 });

describe("the inbox", () => {
  test("takes what is there at the start and what comes later, and moves it to processed", async () => {
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
    await eventually(() => expect(processed()).toEqual(["a.2.jpeg", "a.jpeg"]));
    expect(readFileSync(join(folder, "processed", "a.2.jpeg"), "utf8")).toBe("two");
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

  test("a refused image is quarantined with its reason", async () => {
    outcome = () => ({ kind: "refused", fileDigest: "ab", code: "RASTER_EMPTY", message: "no bytes" });
    await open();
    put("bad.png", "");
    await eventually(() => expect(quarantined()).toEqual(["bad.png", "bad.png.reason.json"]));
    const reason = JSON.parse(readFileSync(join(folder, "quarantine", "bad.png.reason.json"), "utf8"));
    expect(reason).toMatchObject({ reference: "bad.png", code: "RASTER_EMPTY", message: "no bytes", fileDigest: "ab" });
    await eventually(() => expect(refused.map(({ code }) => code)).toEqual(["RASTER_EMPTY"]));
  });

  test.each([
    ["a folder", "INGEST_FOLDER", () => mkdirSync(join(folder, "odd"))],
    ["a link", "INGEST_LINK", () => symlinkSync("/etc/hostname", join(folder, "odd"))],
    ["a loop of links", "INGEST_LINK", () => symlinkSync("odd", join(folder, "odd"))],
    ["a file over the limit", "INGEST_TOO_LARGE", () => put("odd", Buffer.alloc(1001))],
  ])("%s is quarantined by name and never opened", async (_, code, make) => {
    make();
    await open();
    await eventually(() => expect(quarantined()).toEqual(["odd", "odd.reason.json"]));
    await eventually(() => expect(refused.map((refusal) => refusal.code)).toEqual([code]));
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

  test("a refused file with the longest name there is keeps its reason", async () => {
    outcome = () => ({ kind: "refused", fileDigest: "ab", code: "RASTER_FORMAT", message: "no image" });
    const name = `${"ü".repeat(125)}.png`;
    put(name);
    await open();
    await eventually(() => expect(quarantined().length).toBe(2));
    expect(quarantined()).toContain(name);
    expect(quarantined().some((other) => other.endsWith(".reason.json"))).toBe(true);
    expect(refused.length).toBe(1);
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
    await eventually(() => expect(readFileSync(join(folder, "processed", "latest.png"), "utf8")).toBe("SECOND"));
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
    renameSync(join(folder, "processed", "film.png"), join(folder, "film.png"));
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
    await eventually(() => expect(processed().length).toBe(50));
    // An image is done a moment after its file has been moved.
    await eventually(() => expect(inbox?.counts).toEqual({ inFlight: 0, waiting: 0 }));
    const order = taken.map(({ reference }) => reference);
    expect(order).toEqual([...order].sort());
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

  test("an inbox that cannot be a folder is a named error", async () => {
    put("file", "x");
    const wrong = new Inbox(
      {
        folder: join(folder, "file"),
        mode: "inference",
        settleMs: 0,
        rescanMs: 100,
        retryMs: 50,
        maxFileBytes: 1,
        maxInFlight: 1,
      },
      { process: async () => served, nowMs: Date.now, refused: () => {}, delayed: () => {} },
    );
    await expect(wrong.start()).rejects.toMatchObject({ code: "INGEST_INBOX" });
  });
});
