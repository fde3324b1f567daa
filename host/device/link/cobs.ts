/**
 * Payloads: bytes of any value on a line (SPEC.md §3.4).
 *
 * COBS (Cheshire and Baker, 1999) keeps zeros out of the bytes; XOR with a line feed's code then turns "no zero" into
 * "no line feed". Written from the specification alone, as the device's C core was: neither is derived from the other.
 */

const LINE_FEED = 0x0a;
/** Bytes of the longest group: one that ends without a zero. */
const GROUP_BYTES = 254;
const FULL_CODE = GROUP_BYTES + 1;

/** Bytes that n bytes of data take on a line at most. */
export function mostCobsBytes(dataBytes: number): number {
  return dataBytes + Math.ceil(dataBytes / GROUP_BYTES);
}

/** Bytes of data that surely fit when the payload may take `payloadBytes` on the line. */
export function dataThatFits(payloadBytes: number): number {
  return Math.max(0, payloadBytes - Math.ceil(payloadBytes / FULL_CODE));
}

/** Writes the payload of `data`, at least 1 byte, into `out` at `at`. @returns where it ends */
export function writeCobs(data: Uint8Array, out: Uint8Array, at: number): number {
  let codeAt = at;
  let write = at + 1;
  let code = 1;
  for (let i = 0; i < data.length; i++) {
    const byte = data[i] ?? 0;
    if (byte !== 0) {
      out[write++] = byte ^ LINE_FEED;
      code += 1;
      // The last group is as long as it is: none follows a full one that ends the data.
      if (code < FULL_CODE || i === data.length - 1) continue;
    }
    out[codeAt] = code ^ LINE_FEED;
    codeAt = write++;
    code = 1;
  }
  out[codeAt] = code ^ LINE_FEED;
  return write;
}

/** The payload of `data` as it stands on the line. @param data at least 1 byte */
export function encodeCobs(data: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(mostCobsBytes(data.length) + 1);
  return out.subarray(0, writeCobs(data, out, 0));
}

/** Bytes that `data` takes on a line, exactly. */
export function cobsBytes(data: Uint8Array): number {
  let overhead = 1;
  let group = 0;
  for (let i = 0; i < data.length; i++) {
    group = data[i] === 0 ? 0 : group + 1;
    if (group !== GROUP_BYTES || i === data.length - 1) continue;
    overhead += 1;
    group = 0;
  }
  return data.length + overhead;
}

/**
 * The data of a payload.
 *
 * @returns a copy; undefined if a group reaches over the payload's end, or if there is no data
 */
export function decodeCobs(payload: Uint8Array): Buffer | undefined {
  const out = Buffer.allocUnsafe(payload.length);
  let write = 0;
  let read = 0;
  while (read < payload.length) {
    const code = (payload[read++] ?? 0) ^ LINE_FEED;
    const end = read + code - 1;
    if (code === 0 || end > payload.length) return undefined;
    while (read < end) out[write++] = (payload[read++] ?? 0) ^ LINE_FEED;
    if (code !== FULL_CODE && read < payload.length) out[write++] = 0;
  }
  return write === 0 ? undefined : out.subarray(0, write);
}
