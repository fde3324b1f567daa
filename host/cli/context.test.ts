import { expect, test } from "vitest";
import { DeviceError, type DeviceErrorCode } from "../device/errors.ts";
import { exitCodeOf } from "./context.ts";
import { EXIT } from "./output.ts";

test.each([
  "DEVICE_ABSENT",
  "DEVICE_BOOTLOADER",
  "DEVICE_BROWNOUT",
  "DEVICE_CRASHED",
  "DEVICE_NO_HELLO",
  "DEVICE_OPEN",
  "DEVICE_OTHER",
] as const)("a device that is not there to serve ends a command as absent: %s", (code: DeviceErrorCode) => {
  expect(exitCodeOf(new DeviceError(code, "x"))).toBe(EXIT.deviceAbsent);
});

test("a device that refuses or lies ends it as failed", () => {
  expect(exitCodeOf(new DeviceError("DEVICE_REFUSED", "x"))).toBe(EXIT.failed);
  expect(exitCodeOf(new DeviceError("DEVICE_WORK_FALSE", "x"))).toBe(EXIT.failed);
});
