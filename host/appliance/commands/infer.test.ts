import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { COMMANDS } from "../../mqtt/commands.ts";
import { IDENTITY, result } from "../../mqtt/testing/samples.ts";
import type { Outcome } from "../../pipeline/pipeline.ts";
import type { ImageRequest } from "../../pipeline/request.ts";
import { ResultStore } from "../../store/results.ts";
import { sampleVault } from "../../store/testing/vault.ts";
import { Recorder } from "../recorder.ts";
import { type InferParts, infer } from "./infer.ts";
import { resultIds } from "./result-ids.ts";

const BYTES = Buffer.from("a film's bytes");
const IMAGE = BYTES.toString("base64");

let folder = "";
let films = "";
let film = "";
let store: ResultStore;
let processed: ImageRequest[];

beforeEach(() => {
  processed = [];
  folder = mkdtempSync(join(tmpdir(), "infer-"));
  films = join(folder, "films");
  film = join(films, "MUELLER.png");
  mkdirSync(films);
  writeFileSync(film, BYTES);
  open();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function open(): void {
  store = new ResultStore({ path: join(folder, "results.db"), vault: sampleVault(1), utcMs: Date.now });
}

/** As the pipeline answers, but for the answer. */
async function recorded(request: ImageRequest): Promise<Outcome> {
  const binder = { bind: () => expect.fail("nothing is bound here"), stored: () => {} };
  const recorder = new Recorder({ store, identity: IDENTITY, binder, outward: (reference) => reference });
  const { id: resultId, reference, replaces } = request;
  const status = replaces === undefined ? "preliminary" : "corrected";
  const names = { resultId, reference, status, replaces: replaces ?? null } as const;
  const data = await recorder.record((sequence) => ({ ...result, ...names, sequence }));
  return { kind: "result", data, recorded: true };
}

function ask(asked: object, changes: Partial<InferParts> = {}) {
  const parts: InferParts = {
    ...{ read: store.read, ids: resultIds(sampleVault(1)) },
    ...{ allowedDirs: [films], maxFileBytes: 100, inferMaxBytes: 50, mode: "validation" },
    ...changes,
    process: (request) => {
      processed.push(request);
      return (changes.process ?? recorded)(request);
    },
  };
  return infer(parts, COMMANDS.infer.parse({ id: "ask-1", ...asked }));
}

describe("an image that is named by its path", () => {
  test("is assessed under the sender's own name for it, and what stands beside it counts", async () => {
    writeFileSync(`${film}.json`, '{"age": 3, "view": "AP"}');
    const answer = await ask({ path: film, reference: "request 12", mode: "inference" });
    expect(answer).toMatchObject({ reference: "request 12", status: "preliminary", sequence: 1 });
    expect(processed).toMatchObject([
      { bytes: BYTES, reference: "request 12", mode: "inference", stated: { ageYears: 3, view: "AP" } },
    ]);
  });

  test("has the configured mode and no name where none is given; what the command states outdoes what stands beside", async () => {
    writeFileSync(`${film}.json`, '{"age": 3, "view": "AP"}');
    await ask({ path: film, stated: { age: "070Y" } });
    expect(processed).toMatchObject([{ reference: null, mode: "validation", stated: { ageYears: 70 } }]);
    expect(processed[0]?.stated.view).toBeUndefined();
  });

  const outside: readonly (readonly [string, () => string])[] = [
    ["outside of them", () => join(folder, "results.db")],
    ["that leads out of them", () => `${films}/../results.db`],
    ["of a folder of almost the same name", () => made(join(folder, "films-2"), "a.png")],
    ["that is not there", () => join(films, "nobody.png")],
    ["of a folder", () => films],
    ["of a folder below", () => join(films, ".")],
    ["of a link to a film", () => linked(film)],
    ["of a link to elsewhere", () => linked(join(folder, "results.db"))],
    ["through a folder that is a link", () => join(linked(folder), "results.db")],
    ["of a pipe", () => pipe()],
    ["of a device", () => "/dev/zero"],
    ["of the process's own", () => "/proc/self/environ"],
    ["with a NUL", () => `${film}\0.txt`],
  ];
  test.each(outside)("%s is refused, with the same words for all", async (_, place) => {
    await expect(ask({ path: place() })).rejects.toMatchObject({
      code: "INFER_PATH",
      detail: "it is no plain file below an allowed folder",
    });
    expect(processed).toEqual([]);
  });

  function made(parent: string, name: string): string {
    mkdirSync(parent);
    copyFileSync(film, join(parent, name));
    return join(parent, name);
  }
  function linked(to: string): string {
    symlinkSync(to, join(films, "link"));
    return join(films, "link");
  }
  function pipe(): string {
    execFileSync("mkfifo", [join(films, "pipe")]);
    return join(films, "pipe");
  }

  test("is found where the allowed folder itself is a link, and nowhere where none is allowed", async () => {
    renameSync(films, join(folder, "disk"));
    symlinkSync(join(folder, "disk"), films);
    expect(await ask({ path: film })).toMatchObject({ sequence: 1 });
    await expect(ask({ path: film }, { allowedDirs: [] })).rejects.toMatchObject({ code: "INFER_PATH" });
    await expect(ask({ path: film }, { allowedDirs: [join(folder, "gone")] })).rejects.toMatchObject({
      code: "INFER_PATH",
    });
  });

  test("is refused unread when it is too large", async () => {
    truncateSync(film, 101);
    await expect(ask({ path: film })).rejects.toMatchObject({ code: "INFER_TOO_LARGE" });
  });

  test("is refused, without its name, where what stands beside it cannot be used", async () => {
    writeFileSync(`${film}.json`, '{"name": "MUELLER"}');
    const refusal = await ask({ path: film }).catch((error: unknown) => String(error));
    expect(refusal).toContain("INFER_STATED");
    expect(refusal).not.toContain("MUELLER");
  });
});

describe("an image that a command brings along", () => {
  test("is assessed where that is allowed", async () => {
    expect(await ask({ image: IMAGE, stated: { view: "pa" } })).toMatchObject({ sequence: 1 });
    expect(processed).toMatchObject([{ bytes: BYTES, stated: { view: "PA" } }]);
    await expect(ask({ image: IMAGE }, { inferMaxBytes: null })).rejects.toMatchObject({ code: "INFER_OFF" });
  });

  test("is refused above the limit", async () => {
    const bytes = Buffer.alloc(51).toString("base64");
    await expect(ask({ image: bytes })).rejects.toMatchObject({ code: "INFER_TOO_LARGE" });
    expect(await ask({ image: Buffer.alloc(50).toString("base64") })).toMatchObject({ sequence: 1 });
  });
});

describe("a command", () => {
  test("that comes again has its result again, also after a restart; with another image it has another", async () => {
    const first = await ask({ image: IMAGE });
    store.close();
    open();
    expect(await ask({ image: IMAGE })).toEqual(first);
    expect(processed).toHaveLength(1);
    const other = await ask({ image: Buffer.from("another").toString("base64") });
    expect(other).toMatchObject({ sequence: 2 });
    expect(await ask({ id: "ask-2", image: IMAGE })).toMatchObject({ sequence: 3 });
  });

  test("that comes again while it is carried out has the one result", async () => {
    const process = async (request: ImageRequest): Promise<Outcome> => {
      await recorded(request);
      return { kind: "known", code: "STORE_DUPLICATE", message: "stored already" };
    };
    const answer = await ask({ image: IMAGE }, { process });
    expect(answer).toMatchObject({ sequence: 1 });
    expect(await ask({ image: IMAGE })).toEqual(answer);
  });

  test("corrects a result that is there, once", async () => {
    const wrong = await ask({ image: IMAGE });
    const replaces = wrong?.resultId ?? "";
    const right = await ask({ id: "ask-2", path: film, replaces });
    expect(right).toMatchObject({ status: "corrected", replaces });
    expect(store.read.replacedBy(replaces)?.resultId).toBe(right?.resultId);
    await expect(ask({ id: "ask-3", path: film, replaces })).rejects.toMatchObject({ code: "RESULT_REPLACED" });
    await expect(ask({ id: "ask-4", path: film, replaces: "nobody" })).rejects.toMatchObject({
      code: "RESULT_MISSING",
    });
    expect(processed).toHaveLength(2);
    expect(await ask({ id: "ask-2", path: film, replaces })).toEqual(right);
  });

  test("has no answer of a training image", async () => {
    const process = async (): Promise<Outcome> => ({
      kind: "result",
      data: { ...result, sequence: 0 },
      recorded: false,
    });
    expect(await ask({ image: IMAGE, mode: "training" }, { process })).toBeNull();
  });

  test.each([
    ["refused", "INFER_REFUSED"],
    ["unavailable", "INFER_UNAVAILABLE"],
  ] as const)("whose image is %s says why, and whether it helps to ask again", async (kind, code) => {
    const failure = { code: "SOME_CODE", message: "it is so. Do this." };
    const process = async () => ({ kind, fileDigest: "", ...failure }) as Outcome;
    await expect(ask({ image: IMAGE }, { process })).rejects.toMatchObject({
      code,
      detail: "[SOME_CODE] it is so. Do this",
    });
  });

  test.each([
    [{}],
    [{ path: "/a", image: IMAGE }],
    [{ path: "films/a.png" }],
    [{ image: "not base64!" }],
    [{ image: IMAGE, mode: "teaching" }],
    [{ image: IMAGE, stated: { name: "MUELLER" } }],
  ])("is no command with %j", (asked) => {
    expect(COMMANDS.infer.safeParse({ id: "ask-1", ...asked }).success).toBe(false);
  });

  test("that says what cannot be of an image is told so", async () => {
    await expect(ask({ image: IMAGE, stated: { age: "old" } })).rejects.toMatchObject({ code: "INFER_STATED" });
  });
});
