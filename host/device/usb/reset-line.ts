/** The reset line of an ESP32 board behind a UART bridge or native USB. */
import { type Clock, sleep } from "../clock.ts";
import type { ModemLines } from "../transport.ts";

/** On ESP32 boards RTS pulls EN (reset) and DTR pulls IO0 (boot mode). */
export const RELEASED: ModemLines = { dtr: false, rts: false };
const IN_RESET: ModemLines = { dtr: false, rts: true };
/** As long as esptool holds it on native USB; a UART board needs half of it (esptool, `reset.py`, HardReset). */
const HOLD_MS = 200;

/** Holds the board in reset and lets it start its own firmware. Rejects with what `set` does. */
export async function pulseReset(set: (lines: ModemLines) => Promise<void>, clock: Clock): Promise<void> {
  await set(IN_RESET);
  await sleep(clock, HOLD_MS);
  await set(RELEASED);
}
