import { randomUUID } from "node:crypto";
import { SingleBar } from "cli-progress";
import type { Command } from "commander";
import { forgetfulCaches, Images } from "../appliance/images.ts";
import { errorCode, errorMessage } from "../base/error.ts";
import type { Config } from "../config/schema.ts";
import { readSidecar, sidecarOf, statsOf } from "../ingest/sidecar.ts";
import { readStated } from "../ingest/stated.ts";
import type { ResultData } from "../mqtt/messages.ts";
import type { Stated } from "../pipeline/request.ts";
import { action, exitCodeOf } from "./context.ts";
import { UsageError } from "./error.ts";
import { namedFiles, readNamedFile, writeNamedFile } from "./files.ts";
import { interruptible } from "./interrupt.ts";
import { EXIT, type ExitCode, examples, lowestExit, table } from "./output.ts";

const FILES_MAX = 10_000;

interface Options extends Said {
  readonly rasterOut?: string;
  readonly force?: true;
}

interface Said {
  readonly age?: string;
  readonly view?: string;
  readonly modality?: string;
  readonly bodyPart?: string;
}

interface Look {
  /** What was typed: of every image, whatever its sidecar says. */
  readonly stated: Stated | undefined;
  readonly maxFileBytes: number;
  readonly rasterOut: RasterOut | undefined;
}

interface RasterOut {
  readonly path: string;
  readonly replace: boolean;
}

interface Answer {
  readonly file: string;
  readonly result: ResultData | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly exit: ExitCode;
}

export function registerInfer(program: Command): void {
  program
    .command("infer")
    .summary("look at image files once")
    .description(
      "Classifies image files and prints the answers. Nothing is stored, published or sealed: for that, put files " +
        "into the inbox of a running appliance (lv06 run).",
    )
    .argument("<image...>", "PNG, JPEG or TIFF files, 10,000 at most; of a folder, the files in it")
    .option("--raster-out <file>", "of one image: write its 224×224 grey pixels there (raster-v1, 50,176 bytes)")
    .option("--age <age>", "of every image: the patient's age in years, or as DICOM has it: 3, 004Y, 018M")
    .option("--view <view>", "of every image: AP, PA, LL, …; of an image without these options, IMAGE.json is read")
    .option("--modality <modality>", "of every image: CR, DX, CT, …")
    .option("--body-part <part>", "of every image: CHEST, …")
    .option("--force", "replace the file that --raster-out names")
    .addHelpText(
      "after",
      examples(
        "lv06 infer film.jpeg",
        "lv06 infer film.jpeg --age 3 --view AP --modality DX",
        "lv06 infer --json folder/ | jq '.results[].result.probability'",
        "lv06 infer film.jpeg --raster-out film.raw",
        "python3 test/verify-py/verify.py receipt.json --raster film.raw",
      ),
    )
    .action(
      action(async ({ output, config }, paths: string[], { rasterOut, force, ...said }: Options) => {
        if (force && rasterOut === undefined) {
          throw new UsageError("USAGE_OPTION", "--force is for the file that --raster-out names");
        }
        const stated = statedBy(said);
        const settings = config();
        const files = await namedFiles(paths, FILES_MAX);
        if (rasterOut !== undefined && files.length !== 1) {
          throw new UsageError("USAGE_OPTION", `--raster-out is for one image, not ${files.length}`);
        }
        const out = rasterOut === undefined ? undefined : { path: rasterOut, replace: force === true };
        const { maxFileBytes } = settings.ingest;
        const way = { stated, maxFileBytes, rasterOut: out };
        const answers = await interruptible((signal) => lookAtAll(settings, files, way, signal));
        output.answer({ results: answers.map(({ exit, ...answer }) => answer) }, () => lines(answers));
        return lowestExit(answers.map(({ exit }) => exit));
      }),
    );
}

/** @throws UsageError USAGE_OPTION */
function statedBy({ age, view, modality, bodyPart }: Said): Stated | undefined {
  const said = { age, view, modality, bodyPart };
  if (Object.values(said).every((value) => value === undefined)) return undefined;
  try {
    return readStated(said);
  } catch (error) {
    throw new UsageError("USAGE_OPTION", errorMessage(error), { cause: error });
  }
}

/** @throws InferenceError when there is no model to look with */
async function lookAtAll(
  settings: Config,
  files: readonly string[],
  way: Look,
  signal: AbortSignal,
): Promise<Answer[]> {
  let sequence = 0;
  const images = new Images(settings, {
    caches: forgetfulCaches(),
    record: async (build) => build(++sequence),
    device: () => undefined,
    check: () => {},
    clockSynced: () => null,
    seal: "none",
  });
  signal.addEventListener("abort", () => void images.stop());
  const bar = new SingleBar({
    stream: process.stderr,
    format: "{bar} {value}/{total} images, {eta_formatted} to go",
    clearOnComplete: true,
  });
  try {
    await images.model.get();
    if (files.length > 1) bar.start(files.length, 0);
    const answers: Answer[] = [];
    for (const file of files) {
      answers.push(await look(images, file, way));
      signal.throwIfAborted();
      bar.increment();
    }
    return answers;
  } finally {
    bar.stop();
    await images.stop();
  }
}

async function look(images: Images, file: string, { maxFileBytes, rasterOut, ...way }: Look): Promise<Answer> {
  try {
    const bytes = await readNamedFile(file, maxFileBytes);
    if (rasterOut !== undefined) await writeRaster(images, bytes, rasterOut);
    const stated = way.stated ?? (await statedBeside(file));
    const request = { id: randomUUID(), bytes, reference: file, mode: "inference", stated } as const;
    const outcome = await images.pipeline.process(request);
    if (outcome.kind === "result") return { file, result: outcome.data, error: null, exit: EXIT.done };
    const exit = outcome.kind === "refused" ? EXIT.refused : EXIT.failed;
    return { file, result: null, error: { code: outcome.code, message: outcome.message }, exit };
  } catch (error) {
    return {
      file,
      result: null,
      error: { code: errorCode(error), message: errorMessage(error) },
      exit: exitCodeOf(error),
    };
  }
}

/** As in the inbox, so that a film has the same answer wherever it lies. @throws IngestError */
async function statedBeside(file: string): Promise<Stated> {
  return (await statsOf(sidecarOf(file))) === undefined ? {} : readSidecar(file);
}

/** The pixels that the answer is about: what a verifier without a decoder of its own compares. */
async function writeRaster({ rasteriser }: Images, bytes: Buffer, { path, replace }: RasterOut): Promise<void> {
  const { raster } = await rasteriser.rasterise(bytes);
  await writeNamedFile("--raster-out", path, raster.samples, replace);
}

function lines(answers: readonly Answer[]): string[] {
  const rows = answers.map(({ file, result, error, exit }) => {
    if (result === null) return [file, "", exit === EXIT.refused ? "refused" : "unavailable", error?.code ?? "", ""];
    const verdict = result.assessed ? (result.decision ?? "") : `not assessed: ${result.reasons.join(", ")}`;
    return [file, result.probability?.toFixed(4) ?? "", verdict, `${result.timingMs.total ?? ""}`, result.label ?? ""];
  });
  const [first] = answers.flatMap(({ result }) => (result === null ? [] : [result]));
  const explanations = answers.flatMap(({ file, error }) => (error === null ? [] : [`${file}: ${error.message}`]));
  return [
    ...table(["file", "probability", "decision", "ms", "of"], rows),
    ...(first === undefined
      ? []
      : [
          "",
          `${first.model.name} ${first.model.version}, positive from ${first.threshold}. Research use only: not for diagnosis.`,
        ]),
    ...(explanations.length === 0 ? [] : ["", ...explanations]),
  ];
}
