import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["host/**/*.test.ts", "hil/**/*.test.ts", "test/**/*.test.ts"],
    reporters: ["default", "json"],
    outputFile: { json: "build/test/report.json" },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Scenarios start real processes (broker, model device, inference): more than the cores can run is only slower.
    maxWorkers: 2,
  },
});
