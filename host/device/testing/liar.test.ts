import { expect, it } from "vitest";
import { runLiars } from "./liar.ts";

it("a device that makes its answers up ends every call in a shape or a DeviceError", async () => {
  const report = await runLiars({ seed: 20_260_102, calls: 600 });
  expect(report.findings).toEqual([]);
  expect(report.lies).toBeGreaterThan(300);
  expect(report.answered).toBeGreaterThan(50);
  expect(Object.keys(report.errors)).toEqual(
    expect.arrayContaining(["DEVICE_REPLY", "DEVICE_REFUSED", "DEVICE_WORK_FALSE"]),
  );
});
