/** The inbox that is configured. */
import type { Config } from "../config/schema.ts";
import { Duplicates } from "../ingest/duplicates.ts";
import { Inbox, type InboxParts } from "../ingest/inbox.ts";
import type { ResultReader } from "../store/reader.ts";

/** How long a file that could not be served waits for its next try. */
const RETRY_MS = 10_000;
/** An image follows its sidecar at once, or has gone before it. */
const ALONE_MS = 300_000;

export interface InboxSurroundings extends Omit<InboxParts, "utcMs" | "monotonicMs"> {
  readonly results: Pick<ResultReader, "findByFile">;
  /** One was skipped. */
  readonly duplicate: () => void;
}

export function makeInbox(config: Config, { results, duplicate, ...parts }: InboxSurroundings): Inbox {
  const { inboxDir, settleMs, rescanMs, maxFileBytes, maxInFlight, keep, duplicates } = config.ingest;
  const limits = { settleMs, rescanMs, retryMs: RETRY_MS, aloneMs: ALONE_MS, maxFileBytes, maxInFlight, keep };
  // Training leaves no results that a film could be known by.
  const skips = duplicates === "skip" && config.mode !== "training";
  const first = new Duplicates({
    process: (request) => parts.process(request),
    resultOf: (digest) => standing(results, digest),
    skipped: duplicate,
  });
  return new Inbox(
    { folder: inboxDir, mode: config.mode, ...limits },
    {
      ...parts,
      ...(skips ? { process: (request) => first.process(request) } : {}),
      utcMs: Date.now,
      monotonicMs: () => performance.now(),
    },
  );
}

/** A film whose result was taken back has none; nor has one whose result does not open. */
function standing(results: Pick<ResultReader, "findByFile">, fileDigest: string): string | null {
  const [newest] = results.findByFile(fileDigest, 1, () => {});
  return newest === undefined || newest.status === "entered-in-error" ? null : newest.resultId;
}
