/** `cmd/infer`: an image is assessed as one from the inbox is, and its result published; the reply has it too. */
import type { IngestError } from "../../ingest/error.ts";
import { readSidecar, sidecarOf, statsOf } from "../../ingest/sidecar.ts";
import { readStated } from "../../ingest/stated.ts";
import type { Command } from "../../mqtt/commands.ts";
import type { ResultData } from "../../mqtt/messages.ts";
import type { Outcome } from "../../pipeline/pipeline.ts";
import type { ImageRequest, Mode, Stated } from "../../pipeline/request.ts";
import { fileDigest } from "../../raster/raster.ts";
import type { ResultReader } from "../../store/reader.ts";
import { readAllowedFile } from "./allowed-file.ts";
import { RequestError } from "./errors.ts";
import { expectReplaceable } from "./replacing.ts";
import { type ResultIds, resultOf } from "./result-ids.ts";

export interface InferParts {
  readonly read: ResultReader;
  readonly ids: ResultIds;
  /** Folders below which an image may be named by its path. */
  readonly allowedDirs: readonly string[];
  readonly maxFileBytes: number;
  /** Of an image that a command brings along; null where none is taken. */
  readonly inferMaxBytes: number | null;
  /** Of an image of which nothing else is said. */
  readonly mode: Mode;
  readonly process: (request: ImageRequest) => Promise<Outcome>;
}

type Asked = Command<"infer">;

interface Image {
  readonly bytes: Uint8Array;
  readonly stated: Stated;
}

/**
 * The same command with the same image has the same result, also after a restart.
 * @returns null of a training image, which leaves no trace
 * @throws RequestError; IngestError INGEST_CHANGED; ReceiptError; StoreError
 */
export async function infer(parts: InferParts, asked: Asked): Promise<ResultData | null> {
  const { read, ids } = parts;
  const { bytes, stated } = await imageOf(parts, asked);
  const known = ids("infer", asked.id, fileDigest(bytes));
  const done = resultOf(read, known);
  if (done !== undefined) return done;
  const [id] = known;
  const { replaces, reference = null, mode = parts.mode } = asked;
  // Before the work; it is looked at again when the result is stored.
  expectReplaceable(read, { resultId: id, status: "corrected", replaces: replaces ?? null });
  const outcome = await parts.process({ id, bytes, reference, mode, stated, replaces });
  // The same command was under way, and its reply too late.
  return (outcome.kind === "known" ? resultOf(read, known) : undefined) ?? resultIn(outcome);
}

/** A code is told as it is; what it is called here says whether it helps to ask again. */
function resultIn(outcome: Outcome): ResultData | null {
  if (outcome.kind === "result") return outcome.recorded ? outcome.data : null;
  const detail = `[${outcome.code}] ${outcome.message.replace(/\.$/, "")}`;
  throw new RequestError(outcome.kind === "refused" ? "INFER_REFUSED" : "INFER_UNAVAILABLE", detail);
}

async function imageOf(parts: InferParts, { path, image = "", stated }: Asked): Promise<Image> {
  if (path === undefined) return { bytes: broughtAlong(parts, image), stated: statedBy(stated ?? {}) };
  const file = await readAllowedFile(path, parts.allowedDirs, parts.maxFileBytes);
  return { bytes: file.bytes, stated: stated === undefined ? await beside(file.path) : statedBy(stated) };
}

function broughtAlong({ inferMaxBytes }: InferParts, image: string): Uint8Array {
  if (inferMaxBytes === null) throw new RequestError("INFER_OFF", "images that a command brings along are not taken");
  const bytes = Buffer.from(image, "base64");
  if (bytes.length <= inferMaxBytes) return bytes;
  throw new RequestError("INFER_TOO_LARGE", `the image has ${bytes.length} bytes, and ${inferMaxBytes} are taken`);
}

function statedBy(said: NonNullable<Asked["stated"]>): Stated {
  try {
    return readStated(said);
  } catch (error) {
    if (error instanceof RangeError) throw new RequestError("INFER_STATED", error.message, { cause: error });
    throw error;
  }
}

/** As in the inbox, so that a film has the same answer whatever way it came. What it is called there is not told. */
async function beside(path: string): Promise<Stated> {
  if ((await statsOf(sidecarOf(path))) === undefined) return {};
  try {
    return await readSidecar(path);
  } catch (error) {
    const { code } = error as IngestError;
    throw new RequestError("INFER_STATED", `what stands beside the image cannot be used [${code}]`, { cause: error });
  }
}
