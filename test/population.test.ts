/** What is stated of a film, from the inbox and from the command line, against the population of the model. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Images } from "../host/appliance/images.ts";
import { loadConfig } from "../host/config/load.ts";
import { copyModels, editManifest } from "../host/inference/testing/model-copies.ts";
import type { ResultData } from "../host/mqtt/messages.ts";
import { resultSchema } from "../host/mqtt/result-data.ts";
import type { Stated } from "../host/pipeline/request.ts";
import { Cache } from "../host/store/cache.ts";
import { sampleVault } from "../host/store/testing/vault.ts";
import { type RunningAppliance, startAppliance } from "./demo/appliance.ts";
import { FILMS, type Film, putIntoInbox, readFilm } from "./demo/films.ts";
import { OutsideClient } from "./demo/outside-client.ts";

const ROOT = resolve(import.meta.dirname, "..");
const WAIT_MS = 40_000;
const LIMITS = { ageYears: { min: 1, max: 5 }, view: ["AP"], modality: ["CR", "DX"], bodyPart: ["CHEST"] };
const CHILD: Stated = { ageYears: 4, view: "AP", modality: "DX", bodyPart: "CHEST" };
const ADULT: Stated = { ageYears: 45, view: "PA" };
const [film, secondFilm] = FILMS as readonly [Film, Film];

/** With a copy of the tiny models in it, of which one states its population. */
let folder: string;
let models: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "population-"));
  models = await copyModels();
  await editManifest(join(models, "tiny"), (manifest) => Object.assign(manifest, { populationLimits: LIMITS }));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
  rmSync(models, { recursive: true });
});

describe("the pipeline", () => {
  let images: Images;
  let cache: Cache;
  let sequence = 0;

  function open(settings = ""): void {
    const file = join(folder, "lv06.yaml");
    writeFileSync(file, `model: { dir: ${join(models, "tiny")} }\n${settings}`);
    const { config } = loadConfig({ file, env: {}, cwd: folder, installDir: ROOT });
    cache = new Cache({ path: join(folder, "cache.db"), maxBytes: 1 << 24, vault: sampleVault(1) });
    images = new Images(config, {
      caches: cache,
      record: async (build) => build(++sequence),
      device: () => undefined,
      check: () => {},
      clockSynced: () => null,
      seal: "none",
    });
  }

  afterEach(async () => {
    await images.stop();
    cache.close();
  });

  async function look(stated: Stated, bytes: Uint8Array = readFilm(film)): Promise<ResultData> {
    const outcome = await images.pipeline.process({ id: "r", bytes, reference: null, mode: "inference", stated });
    if (outcome.kind !== "result") throw new Error(`${outcome.kind}: ${outcome.message}`);
    return resultSchema.parse(outcome.data);
  }

  const OUTSIDE = {
    assessed: false,
    reasons: ["POPULATION_AGE", "POPULATION_VIEW"],
    label: null,
    probability: null,
    decision: null,
  };

  test("does not answer for a film that is said to be outside, and answers for one that is not", async () => {
    open();
    expect(await look(ADULT)).toMatchObject({ ...OUTSIDE, cached: false });
    expect(await look(CHILD, readFilm(secondFilm))).toMatchObject({ assessed: true, reasons: [] });
  });

  test("does not let what was said of a film decide what the same pixels get later, in neither order", async () => {
    open();
    expect(await look(ADULT)).toMatchObject(OUTSIDE);
    const first = await look({});
    expect(first).toMatchObject({ assessed: true, cached: false, reasons: [] });
    const again = await look(ADULT);
    expect(again).toMatchObject({ ...OUTSIDE, cached: true });
    expect(again.attention.digest).toBe(first.attention.digest);
    const { probability, decision } = first;
    expect(await look(CHILD)).toMatchObject({ assessed: true, cached: true, probability, decision, reasons: [] });
  });

  test("names what is wrong with the picture beside what was said of it, and remembers the picture's part", async () => {
    open();
    const blank = await sharp({ create: { width: 300, height: 300, channels: 3, background: "#777" } })
      .toColourspace("b-w")
      .png()
      .toBuffer();
    const both = { assessed: false, reasons: ["LOW_CONTRAST", "POPULATION_AGE", "POPULATION_VIEW"] };
    expect(await look(ADULT, blank)).toMatchObject({ ...both, cached: false });
    expect(await look({}, blank)).toMatchObject({ assessed: false, reasons: ["LOW_CONTRAST"], cached: true });
    expect(await look(ADULT, blank)).toMatchObject({ ...both, cached: true });
  });

  test("says nothing of what was said, but its reasons", async () => {
    open();
    const text = JSON.stringify(await look({ ageYears: 97, modality: "MG", view: "XCCL", bodyPart: "BREAST" }));
    expect(text).toContain("POPULATION_BODY_PART");
    for (const word of ["97", "MG", "XCCL", "BREAST"]) expect(text).not.toContain(`"${word}"`);
    expect(text).not.toContain("ageYears");
  });

  test("takes the site's word before the model's", async () => {
    open("quality: { population: { ageYears: 0-120 } }\n");
    expect(await look(ADULT)).toMatchObject({ assessed: false, reasons: ["POPULATION_VIEW"] });
  });

  test("answers for every film where the site says so", async () => {
    open("quality: { population: { policy: ignore } }\n");
    expect(await look(ADULT)).toMatchObject({ assessed: true, reasons: [] });
  });
});

describe("the appliance", () => {
  let appliance: RunningAppliance | undefined;
  let client: OutsideClient | undefined;

  afterEach(async () => {
    await client?.close();
    await appliance?.stop();
    [client, appliance] = [undefined, undefined];
  });

  test("publishes reasons for films whose sidecars say that they are outside, and refuses a bad sidecar", async () => {
    const settings = `site: demo\nappliance: lv06-demo\ndataDir: data\nprivacy: { reference: plain }\nmqtt: { embeddedPort: PORT, healthIntervalS: 1 }
ingest: { settleMs: 0 }\nmodel: { dir: ${join(models, "tiny")} }\n`;
    appliance = await startAppliance(folder, { settings, modelDevice: false });
    const outside = await OutsideClient.open(appliance.url, appliance.prefix, WAIT_MS);
    client = outside;
    const { inbox } = appliance;
    const put = (name: string, sidecar?: string) => {
      if (sidecar !== undefined) {
        writeFileSync(join(inbox, `.${name}.json`), sidecar);
        renameSync(join(inbox, `.${name}.json`), join(inbox, `${name}.json`));
      }
      putIntoInbox(inbox, { ...film, name });
    };
    put("adult.jpeg", '{"age": "045Y", "view": "PA"}');
    put("child.jpeg", '{"age": 4, "view": "AP", "modality": "DX"}');
    put("unknown.jpeg");
    put("named.jpeg", '{"age": 4, "PatientName": "MUELLER^HANS"}');

    await outside.until("three results", WAIT_MS, () => outside.of("result").length === 3);
    await outside.until("a refusal", WAIT_MS, () =>
      outside.of("event").some(({ data }) => data.kind === "ingest-refused"),
    );
    const results = Object.fromEntries(outside.of("result").map(({ data }) => [data.reference, data]));
    expect(results["adult.jpeg"]).toMatchObject({
      assessed: false,
      reasons: ["POPULATION_AGE", "POPULATION_VIEW"],
      probability: null,
      decision: null,
    });
    expect(results["child.jpeg"]).toMatchObject({ assessed: true, reasons: [] });
    expect(results["unknown.jpeg"]).toMatchObject({ assessed: true, reasons: [] });
    expect(outside.of("event").find(({ data }) => data.kind === "ingest-refused")?.data).toMatchObject({
      code: "INGEST_METADATA",
      reference: "named.jpeg",
    });
    const told = JSON.stringify(outside.received) + appliance.log();
    for (const word of ["MUELLER", "PatientName", "045Y"]) expect(told).not.toContain(word);
    expect(outside.received.flatMap(({ complaints }) => complaints)).toEqual([]);
    const left = () => readdirSync(inbox).filter((name) => /\.(?:jpeg|json)$/.test(name));
    await vi.waitFor(() => expect(left()).toEqual([]), { timeout: WAIT_MS });
  });
});

describe("lv06 infer", () => {
  interface Answer {
    readonly error?: { readonly code: string };
    readonly results?: readonly object[];
  }

  async function infer(...args: readonly string[]): Promise<{ readonly code: number | null; readonly said: Answer }> {
    const child = spawn(join(ROOT, "lv06"), ["infer", "--json", ...args], {
      cwd: folder,
      stdio: ["ignore", "pipe", "ignore"],
    });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    const code = await new Promise<number | null>((end) => child.once("close", end));
    return { code, said: JSON.parse(stdout) as Answer };
  }

  test("has the shipped model answer for a film of its population, and for no other", async () => {
    const adult = await infer(film.path, "--age", "045Y", "--view", "pa");
    const withheld = { assessed: false, reasons: ["POPULATION_AGE", "POPULATION_VIEW"], probability: null };
    expect(adult).toMatchObject({ code: 0, said: { results: [{ result: withheld }] } });
    const fit = ["--age", "3", "--view", "AP", "--modality", "DX", "--body-part", "CHEST"];
    const child = await infer(film.path, ...fit);
    expect(child).toMatchObject({ code: 0, said: { results: [{ result: { assessed: true, reasons: [] } }] } });
  }, 180_000);

  test("refuses an option that cannot be meant", async () => {
    const wrong = await infer(film.path, "--age", "four");
    expect(wrong).toMatchObject({ code: 2, said: { error: { code: "USAGE_OPTION" } } });
  });

  test("reads sidecars as the inbox does, takes none for an image, and believes the options before them", async () => {
    const films = join(folder, "films");
    mkdirSync(films);
    for (const name of ["adult.jpeg", "bad.jpeg"]) writeFileSync(join(films, name), readFileSync(film.path));
    writeFileSync(join(films, "adult.jpeg.json"), '{"age": 45}');
    writeFileSync(join(films, "bad.jpeg.json"), "age 45");
    const beside = await infer(films);
    expect(beside.code).toBe(6);
    expect(beside.said.results).toMatchObject([
      { file: join(films, "adult.jpeg"), result: { assessed: false, reasons: ["POPULATION_AGE"] } },
      { file: join(films, "bad.jpeg"), result: null, error: { code: "INGEST_METADATA" } },
    ]);
    const typed = await infer(films, "--age", "4");
    expect(typed.code).toBe(0);
    expect(typed.said.results).toMatchObject([{ result: { assessed: true } }, { result: { assessed: true } }]);
  }, 180_000);
});
