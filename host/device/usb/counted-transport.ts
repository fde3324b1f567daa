/** A transport that counts what passes, in both directions. */
import type { Transport } from "../transport.ts";

export interface WireCounts {
  sentBytes: number;
  receivedBytes: number;
}

/** @param counts is added to as bytes pass */
export function counted(inner: Transport, counts: WireCounts): Transport {
  const { setRate } = inner;
  return {
    name: inner.name,
    write: (bytes) => {
      counts.sentBytes += bytes.length;
      return inner.write(bytes);
    },
    onChunk: (listener) =>
      inner.onChunk((chunk) => {
        counts.receivedBytes += chunk.length;
        listener(chunk);
      }),
    onClose: (listener) => inner.onClose(listener),
    close: () => inner.close(),
    ...(setRate === undefined ? {} : { setRate: (baud: number) => setRate.call(inner, baud) }),
  };
}
