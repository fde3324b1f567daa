/** A whole image on the device: rows in, roots and digests out (SPEC.md §5.8). */
import { setImmediate as turn } from "node:timers/promises";
import type { DeviceImage, ImageAnswer, ImageOptions, ImageQuestion } from "../../device.ts";
import { DeviceError, isRefusal } from "../../errors.ts";
import { randomHex8 } from "../handshake.ts";
import type { Hello } from "../hello.ts";
import { wholeNumber } from "../pairs.ts";
import type { RetryPolicy } from "../request.ts";
import { rowsInTurn } from "../rows.ts";
import type { Session } from "../session.ts";
import {
  type AskOutcome,
  type ImageAsk,
  ImageUpload,
  imageReplyBytes,
  imageWords,
  type UploadPlan,
} from "../upload.ts";

const MOST_SCALES = 4;
const MOST_SCALE = 64;
const MOST_SIDE = 1024;
/** `~0001 IMAGE ROWS 00000007 1023 deflate :` before the payload; SP, CRC and LF after it. */
const ROWS_OVERHEAD_BYTES = 51;
const RETRY: RetryPolicy = { firstMs: 300, factor: 2, tries: 4 };
/** The device may take a second and this much a block over roots and digests; the rest is answered at once (SPEC §4.2). */
const HASHING_MS = { first: 1500, block: 0.1 };
/** Besides twice the time that the pixels take on the line. */
const SPARE_MS = 30_000;

export interface ImageTools {
  readonly nowMs: () => number;
  readonly random: () => number;
}

/** @throws DeviceError; RangeError for a question that makes no sense */
export async function askImage(
  session: Session,
  image: DeviceImage,
  question: ImageQuestion,
  options: ImageOptions,
  { nowMs, random }: ImageTools,
): Promise<ImageAnswer> {
  const { hello } = session;
  checkImage(image, question, hello);
  const limits = {
    payloadBytes: session.lineBytes - ROWS_OVERHEAD_BYTES,
    inflateBytes: question.raw === true ? 0 : hello.inflateBytes,
  };
  const { width, height, samples } = image;
  const rows = rowsInTurn(image, limits);
  const plan = { id: randomHex8(random), width, height, rows, question, maxReplyBytes: hello.maxReplyBytes };
  const upload = new ImageUpload(plan);
  const lineMs = (samples.length * 10_000) / session.baud;
  const endMs = nowMs() + (options.deadlineMs ?? SPARE_MS + 2 * lineMs);
  const progress = new Progress(height, options.onProgress);
  for (let round: Iterable<ImageAsk> = upload.begin(); ; ) {
    const { asks, outcomes } = await askAll(session, plan, round, { options, endMs, nowMs, progress });
    const step = upload.next(asks, outcomes);
    if (step.kind === "done") return step.answer;
    round = step.asks;
  }
}

function checkImage({ width, height, samples }: DeviceImage, { scales, digestsOf = [] }: ImageQuestion, hello: Hello) {
  const side = (pixels: number) => Number.isInteger(pixels) && pixels >= 1 && pixels <= MOST_SIDE;
  if (!side(width) || !side(height) || width * height > hello.maxImagePixels) {
    throw new DeviceError("DEVICE_LIMIT", `${width} × ${height} pixels; the device takes ${hello.maxImagePixels}`);
  }
  if (samples.length !== width * height)
    throw new RangeError(`${samples.length} samples of ${width} × ${height} pixels`);
  if (scales.length === 0 || scales.length > MOST_SCALES || new Set(scales).size !== scales.length) {
    throw new RangeError(`1 to ${MOST_SCALES} different scales, not ${scales.join(", ")}`);
  }
  for (const scale of scales) {
    const divides = Number.isInteger(scale) && scale >= 1 && width % scale === 0 && height % scale === 0;
    if (!divides || scale > MOST_SCALE) throw new RangeError(`scale ${scale} of ${width} × ${height} pixels`);
    if (scale ** 2 > hello.maxBlockBytes) {
      throw new DeviceError("DEVICE_LIMIT", `blocks of ${scale ** 2} bytes; the device takes ${hello.maxBlockBytes}`);
    }
  }
  const stray = digestsOf.find((scale) => !scales.includes(scale));
  if (stray !== undefined) throw new RangeError(`digests of scale ${stray}, which is not asked for`);
}

interface Round {
  readonly options: ImageOptions;
  readonly endMs: number;
  readonly nowMs: () => number;
  readonly progress: Progress;
}

/**
 * Sends a round without waiting for answers: the session keeps to the credits, and the order of the asks is the order
 * on the line. The first failure gives up the rest.
 */
async function askAll(session: Session, plan: UploadPlan, round: Iterable<ImageAsk>, { options, ...tools }: Round) {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const asks: ImageAsk[] = [];
  const outcomes: AskOutcome[] = [];
  const failures: unknown[] = [];
  const send = async (ask: ImageAsk, index: number) => {
    try {
      outcomes[index] = await askOne(session, plan, ask, { signal, deadlineMs: tools.endMs - tools.nowMs() });
      if (ask.kind === "rows") tools.progress.arrived(ask.rows.first, ask.rows.count);
    } catch (error) {
      failures.push(error);
      stop.abort();
    }
  };
  const sending: Promise<void>[] = [];
  for (const ask of round) {
    sending.push(send(ask, asks.push(ask) - 1));
    // The line carries these rows while the next are deflated.
    if (ask.kind === "rows" && ask.rows.encoding === "deflate") await turn();
    if (signal.aborted) break;
  }
  await Promise.all(sending);
  if (options.signal?.aborted) throw new DeviceError("DEVICE_ABORTED", "the caller gave up");
  if (failures.length > 0) throw failures[0];
  return { asks, outcomes };
}

async function askOne(
  session: Session,
  plan: UploadPlan,
  ask: ImageAsk,
  options: { readonly signal: AbortSignal; readonly deadlineMs: number },
): Promise<AskOutcome> {
  const payload = ask.kind === "rows" ? { payload: ask.rows.bytes } : {};
  const call = {
    verb: "IMAGE",
    args: imageWords(ask, plan),
    retry: retryOf(ask, plan),
    replyBytes: imageReplyBytes(ask),
  };
  try {
    return { kind: "reply", reply: await session.request({ ...call, ...payload, ...options }) };
  } catch (error) {
    if (isRefusal(error, "STATE")) return { kind: "state" };
    if (!isRefusal(error, "MISSING")) throw error;
    const row = error instanceof DeviceError ? wholeNumber(error.refusal?.words[0] ?? "") : Number.NaN;
    if (row < plan.height) return { kind: "missing", row };
    throw new DeviceError("DEVICE_REPLY", "the device misses a row that the image does not have", { cause: error });
  }
}

/** Rows the device has, each counted once however often it was sent. */
class Progress {
  readonly #height: number;
  readonly #listener: ImageOptions["onProgress"];
  readonly #seen = new Set<number>();
  #rows = 0;

  constructor(height: number, listener: ImageOptions["onProgress"]) {
    this.#height = height;
    this.#listener = listener;
  }

  arrived(first: number, count: number): void {
    if (this.#seen.has(first)) return;
    this.#seen.add(first);
    this.#rows += count;
    this.#listener?.({ rows: this.#rows, height: this.#height });
  }
}

function retryOf(ask: ImageAsk, { width, height, question }: UploadPlan): RetryPolicy {
  const blocks = (scale: number) => (width / scale) * (height / scale);
  switch (ask.kind) {
    case "new":
    case "rows":
      return RETRY;
    case "roots":
      return slowly(question.scales.reduce((sum, scale) => sum + blocks(scale), 0));
    case "digests":
      return slowly(blocks(ask.scale));
  }
}

function slowly(blocks: number): RetryPolicy {
  return { ...RETRY, firstMs: HASHING_MS.first + HASHING_MS.block * blocks };
}
