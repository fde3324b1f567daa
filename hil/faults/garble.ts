/** What a UART makes of bytes that were sent at another rate: 8 data bits, no parity, 1 stop bit. */

const DATA_BITS = 8;
/** Start, data, stop. */
const FRAME_BITS = 10;

/** @param sentBaud the sender's rate @param readBaud the reader's */
export function garble(bytes: Uint8Array, sentBaud: number, readBaud: number): Buffer {
  if (sentBaud === readBaud) return Buffer.from(bytes);
  const levels = Array.from(bytes, frameBits).flat();
  /** In the sender's bits; the line rests high. */
  const levelAt = (time: number) => levels[Math.floor(time)] ?? 1;
  const bit = sentBaud / readBaud;
  const heard: number[] = [];
  for (let at = fallingEdge(levels, 0); at < levels.length; ) {
    let byte = 0;
    for (let i = 0; i < DATA_BITS; i++) byte |= levelAt(at + (i + 1.5) * bit) << i;
    heard.push(byte);
    at = fallingEdge(levels, Math.ceil(at + (FRAME_BITS - 0.5) * bit));
  }
  return Buffer.from(heard);
}

function frameBits(byte: number): number[] {
  return [0, ...Array.from({ length: DATA_BITS }, (_, i) => (byte >> i) & 1), 1];
}

/** Where the line next goes low. */
function fallingEdge(levels: readonly number[], from: number): number {
  let at = from;
  while (at < levels.length && levels[at] === 1) at += 1;
  return at;
}
