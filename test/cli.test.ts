/** The command line as a person and a script meet it: the real `./lv06`, started anew for every case. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSecrets } from "../host/appliance/secrets.ts";
import { startModel } from "../host/device/usb/model-process.ts";
import { resultSchema } from "../host/mqtt/result-data.ts";
import { ResultStore } from "../host/store/results.ts";
import { makeResult } from "../host/store/testing/make-result.ts";
import { badFiles } from "./bad-files.ts";
import { FILMS } from "./demo/films.ts";
import { KEYS_IN_FILES } from "./stored.ts";

const ROOT = resolve(import.meta.dirname, "..");
const WAIT_MS = 50_000;
const [FILM_A = "", FILM_B = ""] = FILMS.map(({ path }) => path);

interface Ended {
  readonly code: number | NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** What the tests look into, of the documents of many commands; each has a few of these. */
interface Json {
  readonly [name: string]: unknown;
  readonly help: string;
  readonly version: string;
  readonly error: { readonly code: string };
  readonly digest: string;
  readonly manifest: { readonly name: string };
  readonly models: readonly { readonly inUse: boolean }[];
  readonly findings: readonly { readonly check: string }[];
  readonly messages: readonly object[];
  readonly results: readonly {
    readonly file: string;
    readonly result: unknown;
    readonly error: { readonly code: string };
  }[];
  readonly resumed: number;
}

/** Working folder of every case: without a configuration, and not the checkout. */
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "cli-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("LV06_") || name === "LV06_NODE");
  const child = spawn(join(ROOT, "lv06"), args, {
    cwd: folder,
    env: { ...Object.fromEntries(own), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), WAIT_MS);
  const ended = new Promise<Ended>((end) => {
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      end({ code: code ?? signal, stdout, stderr });
    });
  });
  return { process: child, ended };
}

const lv06 = (args: readonly string[], env?: Readonly<Record<string, string>>) => start(args, env).ended;

/** Its answer with --json: all of stdout is one document. */
async function answer(args: readonly string[], env?: Readonly<Record<string, string>>) {
  const { code, stdout } = await lv06(["--json", ...args], env);
  return { code, document: JSON.parse(stdout) as Json };
}

function childrenOf(pid: number | undefined): number[] {
  return ofProcess(`${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number);
}

async function until<Value>(what: string, look: () => Value | undefined): Promise<Value> {
  for (let waitedMs = 0; waitedMs < WAIT_MS; waitedMs += 5) {
    const seen = look();
    if (seen !== undefined) return seen;
    await sleep(5);
  }
  throw new Error(`waited in vain for ${what}`);
}

/** The decoder and the inference process of a running `lv06 infer`; a fork that is not yet them does not count. */
function bothChildren(pid: number | undefined): Promise<number[]> {
  return until("two children", () => {
    const children = childrenOf(pid).filter((child) => commandOf(child).includes("child.ts"));
    return children.length === 2 ? children : undefined;
  });
}

function commandOf(pid: number): string {
  return ofProcess(`${pid}/cmdline`);
}

/** Empty for a process that has ended: asking first whether it is there would leave a moment for it to end. */
function ofProcess(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, "latin1");
  } catch {
    return "";
  }
}

describe.concurrent("what cannot be done", () => {
  test.for<readonly [line: string, code: string, exit: number]>([
    ["--json", "USAGE_COMMAND", 2],
    ["--json bogus", "USAGE_COMMAND", 2],
    ["device --json", "USAGE_COMMAND", 2],
    ["device bogus --json", "USAGE_COMMAND", 2],
    ["infer --json", "USAGE_ARGUMENT", 2],
    ["infer --json --bogus", "USAGE_OPTION", 2],
    ["--json infer a.png --config", "USAGE_OPTION", 2],
    ["precompute gone --json", "PRECOMPUTE_FOLDER", 1],
    ["doctor more --json", "USAGE_ARGUMENT", 2],
    ["results ls --limit 0 --json", "USAGE_OPTION", 2],
    ["attention a.png --block 5 --json", "USAGE_OPTION", 2],
    ["attention a.png --scale 9 --json", "USAGE_OPTION", 2],
    ["attention gone.png --json", "INGEST_MISSING", 6],
    ["device frame HASH é --json", "USAGE_ARGUMENT", 2],
    ["device frame HASH --seq 65536 --json", "USAGE_OPTION", 2],
    // No device is there: what was typed wrong is said before one is looked for.
    ["device hash --json", "USAGE_ARGUMENT", 2],
    ["device hash abc --hex 00 --json", "USAGE_ARGUMENT", 2],
    ["device hash --hex 0g --json", "USAGE_OPTION", 2],
    ["device hash --file gone.png --json", "INGEST_MISSING", 6],
    ["device info --port gone --json", "DEVICE_ABSENT", 5],
    ["check-config --config gone.yaml --json", "CONFIG_MISSING", 2],
    ["results ls --json", "STORE_MISSING", 1],
  ])("is one document: lv06 %s", async ([line, code, exit]) => {
    const ended = await lv06(line.split(" "));
    const words = expect.stringMatching(/./);
    expect(JSON.parse(ended.stdout)).toEqual({ error: { code, message: words, action: words } });
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: exit, stderr: "" });
  });

  test.for<readonly [line: string, says: RegExp, exit: number]>([
    ["", /Usage: lv06/, 2],
    ["infer --bogus", /unknown option '--bogus'/, 2],
    ["device frame HASH;x", /argument|verb/, 2],
    ["device info --port gone", /DEVICE_ABSENT/, 5],
    ["attention -- --json", /INGEST_MISSING/, 6],
  ])("is said on stderr only: lv06 %s", async ([line, says, exit]) => {
    const { code, stdout, stderr } = await lv06(line.split(" ").filter(Boolean));
    expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
    expect(stderr).toMatch(says);
  });
});

describe.concurrent("lv06", () => {
  test("says its version, as a document too", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Json;
    expect(await lv06(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
    expect(await answer(["--version"])).toEqual({ code: 0, document: { version } });
  });

  test("has help with an example and the global options for every command", async () => {
    const below = (help: string) =>
      [...(help.split("\nCommands:\n")[1]?.split("\n\n")[0] ?? "").matchAll(/^ {2}([a-z-]+)/gm)]
        .map(([, name = ""]) => name)
        .filter((name) => name !== "help");
    const helps = new Map<string, string>();
    // Four dozen processes at once would only wait for each other.
    const walk = async (words: readonly string[]): Promise<void> => {
      const help: string = (await answer([...words, "--help"])).document.help ?? "";
      const names = below(help);
      if (names.length === 0) helps.set(words.join(" "), help);
      for (const name of names) await walk([...words, name]);
    };
    await walk([]);
    expect([...helps.keys()]).toEqual(expect.arrayContaining(["infer", "results find", "images open"]));
    const whole = (leaf: string, help: string) =>
      /\nExamples?:\n {2}\S/.test(help) && help.includes(`lv06 ${leaf}`) && help.includes("--json");
    expect([...helps].filter(([leaf, help]) => !whole(leaf, help)).map(([leaf]) => leaf)).toEqual([]);
  }, 180_000);

  test("check-config says where each value comes from, and refuses a wrong one by name", async () => {
    const { code, document } = await answer(["check-config"], { LV06_MODE: "validation" });
    expect({ code, valid: document.valid }).toEqual({ code: 0, valid: true });
    expect(document.keys).toContainEqual(expect.objectContaining({ key: "mode", value: "validation" }));
    const wrong = await answer(["check-config"], { LV06_MODE: "guess" });
    expect(wrong.code).toBe(2);
    expect(wrong.document.error.code).toMatch(/^CONFIG_/);
  });

  test("models list and show check the shipped model", async () => {
    const [list, show] = await Promise.all([answer(["models", "list"]), answer(["models", "show"])]);
    expect([list.code, show.code]).toEqual([0, 0]);
    const used = list.document.models.find(({ inUse }) => inUse);
    expect(used).toMatchObject({ error: null, digest: show.document.digest, name: show.document.manifest.name });
  });

  test("doctor finds nothing wrong here, and fails when there is no model", async () => {
    const [here, without] = await Promise.all([
      answer(["doctor"]),
      answer(["doctor"], { LV06_MODEL_DIR: join(folder, "no-model") }),
    ]);
    expect([here.code, without.code]).toEqual([0, 1]);
    const model = without.document.findings.find(({ check }) => check === "model");
    expect(model).toMatchObject({ verdict: "wrong", code: "MODEL_MISSING", action: expect.stringMatching(/\.$/) });
  });

  test("doctor ends with 5 where only the device is missing, and makes nothing", async () => {
    const dataDir = join(folder, "not-made");
    const device = { LV06_DEVICE_USB_PATH: join(folder, "no-device"), LV06_DATA_DIR: dataDir };
    const { code, stdout } = await lv06(["doctor", "--offline"], device);
    expect(code).toBe(5);
    expect(stdout).toMatch(/device +wrong +.*no-device.*\[DOCTOR_PORT_ABSENT\]/);
    expect(stdout).toContain("wrong: DOCTOR_PORT_ABSENT: Plug the device in");
    expect(existsSync(dataDir)).toBe(false);
  });

  test("device info, health and hash speak with a device, and say that it is simulated", async () => {
    const device = await startModel({ program: join(ROOT, "build/firmware/lv06-model") });
    try {
      const env = { LV06_DEVICE_USB_PATH: device.path };
      const info = await answer(["device", "info"], env);
      expect(info).toMatchObject({ code: 0, document: { kind: "usb", simulated: true } });
      expect(await answer(["device", "health"], env)).toMatchObject({ code: 0, document: { simulated: true } });
      const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
      expect(await answer(["device", "hash", "abc"], env)).toMatchObject({
        code: 0,
        document: { digest, equal: true },
      });
      const film = await answer(["device", "hash", "--file", FILM_A], { ...env, LV06_DEVICE_USB_BAUD: "4000000" });
      expect(film).toMatchObject({ code: 0, document: { equal: true, mismatches: 0 } });
    } finally {
      await device.stop();
    }
  });

  test("device frame makes the frame that the specification shows, and device list answers", async () => {
    const frame = await lv06(["device", "frame", "HASH", "616263", "--seq", "7"]);
    expect(frame).toMatchObject({ code: 0, stderr: "" });
    expect(frame.stdout).toMatch(/^~0007 HASH 616263 [0-9a-f]{8}\n$/);
    expect(await answer(["device", "list"])).toMatchObject({ code: 0, document: { ports: expect.any(Array) } });
  });

  test("attention writes film, map and overlay as one picture, and says what cannot be written", async () => {
    const out = join(folder, "new-folder", "map.png");
    const args = ["attention", FILM_A, "--block", "16", "--scale", "3"];
    const { code, document } = await answer([...args, "--out", out]);
    expect(code).toBe(0);
    expect(document.attention).toMatchObject({ grid: 14, scales: [{ block: 16, weight: 1 }] });
    const { format, width, height } = await sharp(out).metadata();
    expect({ format, width, height }).toEqual({ format: "png", width: 3 * (3 * 224 + 2 * 8), height: 3 * 224 });
    const unfit = await answer([...args, "--out", folder]);
    expect(unfit).toMatchObject({ code: 1, document: { error: { code: "OUTPUT_WRITE" } } });
  });
});

describe.concurrent("lv06 results and outbox", () => {
  const env = () => ({ LV06_DATA_DIR: join(folder, "stored") });
  let id = "";
  let replaced = "";

  beforeAll(async () => {
    mkdirSync(env().LV06_DATA_DIR);
    const dataDir = env().LV06_DATA_DIR;
    const { vault } = openSecrets({ dataDir, ...KEYS_IN_FILES }, randomBytes);
    const store = new ResultStore({ path: join(dataDir, "results.db"), vault, utcMs: () => 0 });
    for (const reference of ["film.png", "other.png", "film.png"]) {
      const names = {
        reference,
        pseudonym: `p1-${reference}`,
        fileDigest: reference === "other.png" ? "ab".repeat(32) : "cd".repeat(32),
      };
      const replaces = id === "" ? null : id;
      const { resultId } = await store.append((sequence) =>
        makeResult(sequence, { ...names, replaces, data: { sequence } }),
      );
      replaced = id;
      id = resultId;
    }
    await store.close();
  });

  test("ls lists the newest first, and at most --limit", async () => {
    expect(await answer(["results", "ls", "--limit", "2"], env())).toEqual({
      code: 0,
      document: { results: [{ sequence: 3 }, { sequence: 2 }] },
    });
  });

  test("ls --from lists what a subscriber missed, oldest first", async () => {
    expect(await answer(["results", "ls", "--from", "2"], env())).toEqual({
      code: 0,
      document: { results: [{ sequence: 2 }, { sequence: 3 }] },
    });
  });

  test("find lists the results of one reference, as a table too", async () => {
    const find = ["results", "find", "film.png"];
    const [json, plain, none] = await Promise.all([
      answer(find, env()),
      lv06(find, env()),
      answer(["results", "find", "film"], env()),
    ]);
    expect(json).toEqual({ code: 0, document: { results: [{ sequence: 3 }, { sequence: 1 }] } });
    expect(plain.stdout.match(/film\.png/g)).toHaveLength(2);
    expect(plain.stdout).not.toContain("other.png");
    expect(none).toEqual({ code: 0, document: { results: [] } });
  });

  test("find takes what was published in the reference's place, or a file's digest, and not both", async () => {
    const [code, file, neither, odd] = await Promise.all([
      answer(["results", "find", "p1-other.png"], env()),
      answer(["results", "find", "--digest", "AB".repeat(32)], env()),
      answer(["results", "find"], env()),
      answer(["results", "find", "--digest", "ab"], env()),
    ]);
    expect(code).toEqual({ code: 0, document: { results: [{ sequence: 2 }] } });
    expect(file).toEqual(code);
    for (const wrong of [neither, odd]) {
      expect(wrong).toMatchObject({ code: 2, document: { error: { code: "USAGE_OPTION" } } });
    }
  });

  test("show says what a result was replaced by", async () => {
    const { code, stdout } = await lv06(["results", "show", replaced], env());
    expect([code, stdout.split("\n")[0]]).toEqual([0, `REPLACED by ${id} (preliminary)`]);
  });

  test("show gives one result, and RESULT_MISSING for an id that is none", async () => {
    const [found, missing] = await Promise.all([
      answer(["results", "show", id], env()),
      answer(["results", "show", "nope"], env()),
    ]);
    expect(found).toEqual({ code: 0, document: { sequence: 3 } });
    expect(missing).toMatchObject({ code: 1, document: { error: { code: "RESULT_MISSING" } } });
  });

  test("outbox ls counts what waits", async () => {
    const { code, document } = await answer(["outbox", "ls", "--limit", "1"], env());
    expect({ code, rows: document.rows, shown: document.messages.length }).toEqual({ code: 0, rows: 3, shown: 1 });
  });

  test("a damaged result is named beside the others, and a damaged message is listed as it waits", async () => {
    const dataDir = join(folder, "damaged");
    cpSync(env().LV06_DATA_DIR, dataDir, { recursive: true });
    const db = new DatabaseSync(join(dataDir, "results.db"));
    db.exec("UPDATE results SET body = X'00' WHERE sequence = 2; UPDATE outbox SET payload = X'00'");
    db.close();
    const [json, plain, outbox] = await Promise.all([
      answer(["results", "ls"], { LV06_DATA_DIR: dataDir }),
      lv06(["results", "find", "other.png"], { LV06_DATA_DIR: dataDir }),
      answer(["outbox", "ls"], { LV06_DATA_DIR: dataDir }),
    ]);
    expect(json).toMatchObject({
      code: 1,
      document: { results: [{ sequence: 3 }, { sequence: 1 }], unopened: [{ sequence: 2, code: "STORE_DAMAGED" }] },
    });
    expect(plain.code).toBe(1);
    expect(plain.stderr).toMatch(/^result 2 \(.*\) does not open \[STORE_DAMAGED\]\n$/);
    expect(outbox.document.messages).toHaveLength(3);
  });

  test("store check names what does not open, and says what was set aside; accept has nothing to do", async () => {
    const dataDir = join(folder, "checked");
    cpSync(env().LV06_DATA_DIR, dataDir, { recursive: true });
    const [whole, accepted] = await Promise.all([
      answer(["store", "check"], { LV06_DATA_DIR: dataDir }),
      answer(["store", "accept"], { LV06_DATA_DIR: dataDir }),
    ]);
    expect(whole).toMatchObject({ code: 0, document: { whole: true, results: 3, messages: 3, faults: [] } });
    expect(accepted).toEqual({ code: 0, document: { accepted: null } });
    const db = new DatabaseSync(join(dataDir, "results.db"));
    db.exec("UPDATE results SET body = X'00' WHERE sequence = 2");
    db.close();
    writeFileSync(join(dataDir, "results.db.damaged-20260930T101500Z"), "");
    expect(await answer(["store", "check"], { LV06_DATA_DIR: dataDir })).toMatchObject({
      code: 1,
      document: { whole: false, results: 2, setAside: ["results.db.damaged-20260930T101500Z"] },
    });
  });

  test("store salvage makes a new database of a damaged one, and writes over nothing", async () => {
    const damaged = join(folder, "damaged.db");
    const bytes = readFileSync(join(env().LV06_DATA_DIR, "results.db"));
    writeFileSync(damaged, bytes.fill(0, 0, 4096));
    const into = join(folder, "saved.db");
    const salvage = () => answer(["store", "salvage", damaged, "--into", into], env());
    expect(await salvage()).toMatchObject({ code: 0, document: { file: "damaged.db", saved: 3, lost: 0 } });
    expect(await salvage()).toMatchObject({ code: 1, document: { error: { code: "STORE_SALVAGE" } } });
    const db = new DatabaseSync(into, { readOnly: true });
    expect(db.prepare("SELECT count(*) AS results FROM results").get()).toEqual({ results: 3 });
    db.close();
  });
});

describe.concurrent("lv06 infer", () => {
  test("answers for every file: films and links to them, and refuses each bad one by name", async () => {
    const bad = join(folder, "bad");
    mkdirSync(bad);
    const files = await badFiles();
    for (const [name, , bytes] of files) writeFileSync(join(bad, name), bytes);
    const odd = (name: string) => join(folder, name);
    symlinkSync(FILM_B, odd("link.jpeg"));
    symlinkSync("nothing", odd("dangling.jpeg"));
    symlinkSync(bad, odd("bad-link"));
    execFileSync("mkfifo", [odd("fifo.png")]);
    const named = [FILM_A, odd("link.jpeg"), odd("fifo.png"), "/dev/null", odd("dangling.jpeg"), "gone.png"];
    const { code, document } = await answer(["infer", ...named, odd("bad-link")]);
    expect(code).toBe(6);
    const [film, linked, ...rest] = document.results;
    const assessed = [film, linked].map((one) => resultSchema.parse(one?.result));
    for (const one of assessed) expect(one).toMatchObject({ assessed: true, cached: false, device: { kind: "none" } });
    expect(assessed[1]?.input.fileDigest).not.toBe(assessed[0]?.input.fileDigest);
    const codes = Object.fromEntries(rest.map(({ file, error }) => [file, error.code]));
    expect(codes).toEqual({
      [odd("fifo.png")]: "INGEST_SPECIAL",
      "/dev/null": "INGEST_SPECIAL",
      [odd("dangling.jpeg")]: "INGEST_MISSING",
      "gone.png": "INGEST_MISSING",
      ...Object.fromEntries(files.map(([name, expected]) => [join(odd("bad-link"), name), expected])),
    });
  });

  test("prints a table with the model's name and what it is not for", async () => {
    const { code, stdout } = await lv06(["infer", FILM_A, "gone.png"]);
    expect(code).toBe(6);
    expect(stdout).toMatch(/IM-0386-0001\.jpeg +0\.\d{4} +(positive|negative)/);
    expect(stdout).toMatch(/gone\.png +refused +INGEST_MISSING/);
    expect(stdout).toContain("Research use only: not for diagnosis.");
  });

  test("folders without files and more files than the limit are errors, not answers", async () => {
    const empty = join(folder, "empty");
    mkdirSync(empty);
    writeFileSync(join(empty, ".hidden"), "");
    const [none, many, most] = await Promise.all([
      answer(["infer", FILM_A, empty]),
      answer(["infer", ...Array<string>(10_001).fill("a")]),
      answer(["infer", FILM_A], { LV06_MODEL_DIR: empty }),
    ]);
    expect(none).toMatchObject({ code: 2, document: { error: { code: "USAGE_EMPTY_FOLDER" } } });
    expect(many).toMatchObject({ code: 2, document: { error: { code: "USAGE_TOO_MANY_FILES" } } });
    expect(most).toMatchObject({ code: 1, document: { error: { code: "MODEL_MISSING" } } });
  });

  test("a film that the model could not take now is unavailable, not refused", async () => {
    const running = start(["infer", ...Array<string>(30).fill(FILM_A)], { LV06_INFERENCE_DEADLINE_MS: "1000" });
    const children = await bothChildren(running.process.pid);
    const inference = children.find((child) => commandOf(child).includes("inference"));
    process.kill(inference ?? 0, "SIGSTOP");
    const { code, stdout } = await running.ended;
    expect(code).toBe(1);
    expect(stdout).toMatch(/unavailable +INFERENCE_DEADLINE/);
    expect(stdout).not.toContain("refused");
  });

  test.for(["SIGINT", "SIGTERM"] as const)("%s ends it and its hung children, with one document", async (signal) => {
    const running = start(["infer", "--json", ...Array<string>(2_000).fill(FILM_A)], {
      LV06_INFERENCE_DEADLINE_MS: "600000",
      LV06_RASTER_DEADLINE_MS: "600000",
    });
    const children = await bothChildren(running.process.pid);
    for (const pid of children) process.kill(pid, "SIGSTOP");
    running.process.kill(signal);
    const { code, stdout } = await running.ended;
    const left = children.filter((pid) => existsSync(`/proc/${pid}`));
    for (const pid of left) process.kill(pid, "SIGKILL");
    expect({ code, left }).toEqual({ code: 1, left: [] });
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "COMMAND_INTERRUPTED" } });
  });
});

describe.concurrent("lv06 run", () => {
  /** Told to stop once it has made its inbox. */
  async function shortRun(name: string, ...options: readonly string[]): Promise<Ended> {
    const dataDir = join(folder, name);
    const running = start(["run", ...options], { LV06_DATA_DIR: dataDir, LV06_MQTT_EMBEDDED_PORT: "0" });
    await until("inbox", () => existsSync(join(dataDir, "inbox", "processed")) || undefined);
    running.process.kill("SIGTERM");
    return running.ended;
  }

  const messages = (lines: string) =>
    lines
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { readonly msg: string }).msg);

  test("logs JSON lines to stdout and says nothing else", async () => {
    const { code, stdout, stderr } = await shortRun("run-plain");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(messages(stdout).at(-1)).toBe("stopped");
  });

  test("with --json logs to stderr and answers with one document", async () => {
    const { code, stdout, stderr } = await shortRun("run-json", "--json");
    expect({ code, document: JSON.parse(stdout) }).toEqual({ code: 0, document: { status: "stopped" } });
    expect(messages(stderr).at(-1)).toBe("stopped");
  });
});

describe.concurrent("lv06 precompute", () => {
  const ARRAYS = ["raster.npy", ...[4, 8, 16, 32].map((block) => `attention-${block}.npy`), "index.jsonl"];
  const bytesOf = (out: string) => ARRAYS.map((name) => readFileSync(join(out, name)));
  const hasLines = (out: string) =>
    (existsSync(join(out, "index.jsonl")) && statSync(join(out, "index.jsonl")).size > 0) || undefined;
  let films: string;

  beforeAll(async () => {
    films = join(folder, "small-films");
    mkdirSync(films);
    const [first] = FILMS;
    const small = await sharp(first?.path).resize(240, 256, { fit: "fill" }).png().toBuffer();
    for (let i = 0; i < 140; i++) {
      const cut = { left: i % 16, top: i >> 4, width: 224, height: 224 };
      await sharp(small)
        .extract(cut)
        .jpeg()
        .toFile(join(films, `${String(i).padStart(3, "0")}.jpeg`));
    }
    writeFileSync(join(films, "letter.png"), "this is a letter, not a film");
  });

  test("killed in the middle and run again, it has the bytes of a run that nothing disturbed", async () => {
    const [whole, killed] = [join(folder, "whole"), join(folder, "killed")];
    const running = start(["precompute", films, "--out", killed]);
    await until("the first lines", () => hasLines(killed));
    running.process.kill("SIGKILL");
    expect((await running.ended).code).toBe("SIGKILL");
    const [one, two] = await Promise.all([
      answer(["precompute", films, "--out", whole]),
      answer(["precompute", films, "--out", killed]),
    ]);
    expect(one).toEqual({ code: 6, document: { out: whole, files: 141, rows: 140, refused: 1, resumed: 0 } });
    expect(two.document.resumed).toBeGreaterThan(0);
    expect(two.document.resumed).toBeLessThan(141);
    expect(bytesOf(killed)).toEqual(bytesOf(whole));
    const last = readFileSync(join(whole, "index.jsonl"), "utf8").trimEnd().split("\n").at(-1) ?? "";
    expect(JSON.parse(last)).toMatchObject({ row: null, file: "letter.png", code: "RASTER_FORMAT" });
    const header = bytesOf(whole)[0]?.subarray(10, 128).toString("latin1");
    expect(header).toContain("'shape': (140, 224, 224)");
  }, 180_000);

  test("without --out writes beside the folder", async () => {
    const few = join(folder, "few-films");
    mkdirSync(few);
    cpSync(FILM_A, join(few, "film.jpeg"));
    const { code, document } = await answer(["precompute", "few-films"]);
    expect({ code, document }).toMatchObject({
      code: 0,
      document: { rows: 1, out: expect.stringMatching(/few-films\.precomputed$/) },
    });
    expect(readFileSync(join(`${few}.precomputed`, "raster.npy")).length).toBe(128 + 224 * 224);
  });

  test("Ctrl-C keeps what is done, and a folder that was damaged is refused", async () => {
    const out = join(folder, "interrupted");
    const running = start(["precompute", films, "--out", out, "--json"]);
    await until("the first lines", () => hasLines(out));
    running.process.kill("SIGINT");
    const { code, stdout } = await running.ended;
    expect({ code, error: (JSON.parse(stdout) as Json).error.code }).toEqual({ code: 1, error: "COMMAND_INTERRUPTED" });
    cpSync(join(out, "attention-8.npy"), join(out, "raster.npy"));
    const damaged = await answer(["precompute", films, "--out", out]);
    expect(damaged).toMatchObject({ code: 1, document: { error: { code: "PRECOMPUTE_DAMAGED" } } });
  });
});
