/**
 * Files with the very bytes of one that has its result already, where those are to be skipped.
 *
 * One that comes with words about it is never skipped: what was said of the one before is not known any more.
 */
import type { Outcome } from "../pipeline/pipeline.ts";
import type { ImageRequest } from "../pipeline/request.ts";
import { fileDigest } from "../raster/raster.ts";

export interface DuplicatesParts {
  process(request: ImageRequest): Promise<Outcome>;
  /** Id of the newest result of the file with this digest; null where there is none that stands. */
  resultOf(fileDigest: string): string | null;
  skipped(): void;
}

export class Duplicates {
  readonly #parts: DuplicatesParts;
  /** By digest: of two that come together the second waits for the first. */
  readonly #inWork = new Map<string, Promise<unknown>>();

  constructor(parts: DuplicatesParts) {
    this.#parts = parts;
  }

  /** As `process`; a duplicate is known, under the code INGEST_DUPLICATE. */
  async process(request: ImageRequest): Promise<Outcome> {
    const digest = fileDigest(request.bytes);
    for (let other = this.#inWork.get(digest); other !== undefined; other = this.#inWork.get(digest)) await other;
    const work = this.#processFirst(request, digest);
    this.#inWork.set(
      digest,
      work.catch(() => {}),
    );
    try {
      return await work;
    } finally {
      this.#inWork.delete(digest);
    }
  }

  async #processFirst(request: ImageRequest, digest: string): Promise<Outcome> {
    const isSaidOf = Object.keys(request.stated).length > 0;
    const before = isSaidOf ? null : this.#parts.resultOf(digest);
    // Its own: the appliance ended between storing the result and moving the file.
    if (before === null || before === request.id) return this.#parts.process(request);
    this.#parts.skipped();
    return {
      kind: "known",
      code: "INGEST_DUPLICATE",
      message: `the file has the bytes of the one of result ${before}`,
    };
  }
}
