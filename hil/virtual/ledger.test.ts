import { expect, it } from "vitest";
import { Ledger } from "./ledger.ts";

it("finds calls that settle late, or never", () => {
  const ledger = new Ledger();
  ledger.settle(ledger.begin("IMAGE", 100, 1000), 2000, "DEVICE_DEADLINE");
  ledger.begin("WORK", 50, 1000);
  ledger.end();
  expect(ledger.findings).toEqual([
    "IMAGE settled 650 ms after its deadline (DEVICE_DEADLINE)",
    "WORK, asked at 50 ms, never settled",
  ]);
});

it("has nothing against calls that settle in time, however they end", () => {
  const ledger = new Ledger();
  ledger.settle(ledger.begin("HASH", 0, 1000), 1000);
  ledger.settle(ledger.begin("HASH", 0, 1000), 1200, "DEVICE_DEADLINE");
  ledger.end();
  expect(ledger).toMatchObject({ findings: [], calls: 2, answered: 1, failed: { DEVICE_DEADLINE: 1 } });
});
