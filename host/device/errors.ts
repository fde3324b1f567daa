/** The device room's error table: a device, its link and its session. */
import { codedErrors } from "../base/error.ts";

export const DEVICE_ERRORS = {
  DEVICE_ABORTED: "The caller gave the request up; nothing is wrong with the device.",
  DEVICE_ABSENT: "Plug the device in, or name its port with --port; `lv06 device list` shows what is there.",
  DEVICE_BOOTLOADER: "The chip waits in its bootloader: release its IO0 pin or boot button, then reset it.",
  DEVICE_BROWNOUT: "The device restarted because its supply voltage broke down: check power supply and cable.",
  DEVICE_BUSY: "More is asked of the device than the limit allows: send less at once.",
  DEVICE_CLOSED: "The connection ended: check cable and power; the appliance reconnects by itself.",
  DEVICE_CRASHED: "The device's firmware crashed: if it happens again, report its last words and update the firmware.",
  DEVICE_DEADLINE: "The device did not answer in time: check cable, baud rate and power, then try again.",
  DEVICE_DISTRUSTED:
    "The device gave a wrong answer: replace it, or restart the appliance to give it another chance; it is tried again after a day.",
  DEVICE_LIMIT: "The request is larger than the device accepts: `lv06 device info` shows its limits.",
  DEVICE_MODEL:
    "The model device did not start: build it with `make -C firmware-spec`; its last words are in the message.",
  DEVICE_NO_HELLO:
    "Nothing at this port speaks the direct-hash protocol: check that the device is powered, its firmware and the baud rate.",
  DEVICE_OPEN: "The port could not be opened: check that no other program holds it and that this user may use it.",
  DEVICE_OTHER: "Another device answers than the one in device.usb.id: plug that one in, or correct the id.",
  DEVICE_PROTOCOL: "Host and device do not speak the same protocol version: update the older of the two.",
  DEVICE_RATE: "The line does not carry this rate: use a shorter cable, or stay at a lower rate.",
  DEVICE_REBOOTED: "The device restarted and forgot the request: check its power supply if it happens again.",
  DEVICE_REFUSED: "The device understood the request and refused it: its reason is in the message.",
  DEVICE_REPLY: "The device's answer makes no sense: its firmware is faulty; do not trust its other answers.",
  DEVICE_UNSUPPORTED: "This device cannot do that: `lv06 device info` lists its capabilities.",
  DEVICE_WORK_FALSE: "The device claimed a nonce that does not meet the target: do not trust this device.",
} as const;

export type DeviceErrorCode = keyof typeof DEVICE_ERRORS;

/** Why a device refuses (SPEC §4.3); what a newer device adds is taken for `DEVICE`. */
export const REFUSALS = [
  "VERB",
  "ARGS",
  "HEX",
  "LENGTH",
  "VERSION",
  "BUSY",
  "STATE",
  "MISSING",
  "PAYLOAD",
  "KEY",
  "BOOT",
  "DEVICE",
] as const;
export type RefusalCode = (typeof REFUSALS)[number];

export interface Refusal {
  readonly code: RefusalCode;
  /** What followed the code: for people, but for the first after `MISSING`. */
  readonly words: readonly string[];
}

export interface DeviceErrorOptions extends ErrorOptions {
  readonly refusal?: Refusal;
}

export class DeviceError extends codedErrors(DEVICE_ERRORS) {
  /** The device's own reason, with DEVICE_REFUSED only. */
  readonly refusal: Refusal | undefined;

  /** @param detail what happened, with the offending value, without a final full stop */
  constructor(code: DeviceErrorCode, detail: string, options: DeviceErrorOptions = {}) {
    super(code, detail, options);
    this.refusal = options.refusal;
  }
}

/** Whether the device refused with this code. */
export function isRefusal(error: unknown, code: RefusalCode): boolean {
  return error instanceof DeviceError && error.refusal?.code === code;
}
