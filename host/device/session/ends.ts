/** Why a conversation did not begin, or ended: the error that fits what was heard. */
import { CodedError, errorMessage } from "../../base/error.ts";
import { DeviceError, type DeviceErrorCode } from "../errors.ts";
import type { BootText } from "../link/boot-text.ts";

const TEXT_CODES: Readonly<Record<BootText, DeviceErrorCode>> = {
  bootloader: "DEVICE_BOOTLOADER",
  brownout: "DEVICE_BROWNOUT",
  crashed: "DEVICE_CRASHED",
  restarting: "DEVICE_REBOOTED",
};
/** Reset reasons of SPEC §5.5 that tell more than that the device restarted. */
const REASON_CODES: Readonly<Record<string, DeviceErrorCode>> = {
  brownout: "DEVICE_BROWNOUT",
  panic: "DEVICE_CRASHED",
  watchdog: "DEVICE_CRASHED",
};
const SHOWN_CHARS = 120;

/** Whether a conversation is over, and who is to hear of it. */
export class End {
  readonly #listeners = new Set<(reason: DeviceError) => void>();
  #reason: DeviceError | undefined;

  get reason(): DeviceError | undefined {
    return this.#reason;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Calls `listener` once when it is over; at once if it already is. @returns a function that ends it */
  listen(listener: (reason: DeviceError) => void): () => void {
    if (this.#reason === undefined) this.#listeners.add(listener);
    else listener(this.#reason);
    return () => this.#listeners.delete(listener);
  }

  /** @returns false if it was over already */
  begin(reason: DeviceError): boolean {
    if (this.#reason !== undefined) return false;
    this.#reason = reason;
    return true;
  }

  tell(): void {
    if (this.#reason !== undefined) for (const listener of this.#listeners) listener(this.#reason);
    this.#listeners.clear();
  }
}

/** What the log told, and in which words. */
export interface Heard {
  readonly meaning: BootText | undefined;
  readonly words: string;
}

/** The device went: its boot id is another, or it is silent after a line that tells why. */
export function bootError(
  name: string,
  { meaning, words }: Heard,
  rebooted?: { readonly boot: string; readonly reason: string },
): DeviceError {
  const told = rebooted === undefined ? undefined : REASON_CODES[rebooted.reason];
  const code = told ?? (meaning === undefined ? "DEVICE_REBOOTED" : TEXT_CODES[meaning]);
  const reason = rebooted?.reason ? `, ${rebooted.reason}` : "";
  const what = rebooted === undefined ? "is silent" : `restarted (boot ${rebooted.boot}${reason})`;
  return new DeviceError(code, `${name} ${what}${meaning === undefined ? "" : heard(words)}`);
}

/** What a failed handshake means. */
export function noHello(error: unknown, name: string, { meaning, words }: Heard): unknown {
  if (!(error instanceof DeviceError)) return error;
  if (error.code === "DEVICE_REFUSED") return new DeviceError("DEVICE_PROTOCOL", error.detail, { cause: error });
  if (error.code !== "DEVICE_DEADLINE") return error;
  const code = meaning === undefined || meaning === "restarting" ? "DEVICE_NO_HELLO" : TEXT_CODES[meaning];
  const last = words === "" ? "; nothing readable was heard" : heard(words);
  return new DeviceError(code, `${name} did not answer HELLO${last}`);
}

export function closedError(name: string, cause: unknown): DeviceError {
  // What to do is said once.
  const why = cause instanceof CodedError ? cause.detail : errorMessage(cause);
  return new DeviceError("DEVICE_CLOSED", `${name} is gone: ${why}`, { cause });
}

function heard(text: string): string {
  return `; last heard: ${text.slice(0, SHOWN_CHARS)}`;
}
