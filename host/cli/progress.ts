import { SingleBar } from "cli-progress";

export interface Progress {
  /** How much of the total is done. */
  update(value: number): void;
}

/**
 * Runs `work` with a bar on standard error, which is gone when it ends. Without a terminal there is none.
 *
 * @param format cli-progress's own, such as `{bar} {value}/{total} images`
 */
export async function withBar<Value>(total: number, format: string, work: (progress: Progress) => Promise<Value>) {
  const bar = new SingleBar({ stream: process.stderr, format, clearOnComplete: true });
  bar.start(total, 0);
  try {
    return await work({ update: (value) => bar.update(Math.min(value, total)) });
  } finally {
    bar.stop();
  }
}
