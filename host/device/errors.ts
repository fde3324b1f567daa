/** The device room's error table: a device, its link and its session. */
import { codedErrors } from "../base/error.ts";

export const DEVICE_ERRORS = {
  DEVICE_ABORTED: "The caller gave the request up; nothing is wrong with the device.",
  DEVICE_ABSENT: "Plug the device in, or name its port with --port; `lv06 device list` shows what is there.",
  DEVICE_BUSY: "More requests wait for the device than the limit allows: send fewer at once.",
  DEVICE_CLOSED: "The connection ended: check cable and power; the appliance reconnects by itself.",
  DEVICE_DEADLINE: "The device did not answer in time: check cable, baud rate and power, then try again.",
  DEVICE_LIMIT: "The request is larger than the device accepts: `lv06 device info` shows its limits.",
  DEVICE_MODEL:
    "The model device did not start: build it with `make -C firmware-spec`; its last words are in the message.",
  DEVICE_NO_HELLO:
    "Something holds the port open but does not speak the direct-hash protocol: check firmware and baud rate.",
  DEVICE_OPEN: "The port could not be opened: check that no other program holds it and that this user may use it.",
  DEVICE_PROTOCOL: "Host and device do not speak the same protocol version: update the older of the two.",
  DEVICE_REBOOTED: "The device restarted and forgot the request: check its power supply if it happens again.",
  DEVICE_REFUSED: "The device understood the request and refused it: its reason is in the message.",
  DEVICE_REPLY: "The device's answer makes no sense: its firmware is faulty; do not trust its other answers.",
  DEVICE_UNSUPPORTED: "This device cannot do that: `lv06 device info` lists its capabilities.",
  DEVICE_WORK_FALSE: "The device claimed a nonce that does not meet the target: do not trust this device.",
} as const;

export type DeviceErrorCode = keyof typeof DEVICE_ERRORS;

export class DeviceError extends codedErrors(DEVICE_ERRORS) {}
