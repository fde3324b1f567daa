import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FolderLock } from "./lock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a second holder is refused by name until the first lets go", () => {
  const path = join(folder, "appliance.lock");
  const first = FolderLock.take(path);
  expect(() => FolderLock.take(path)).toThrow(expect.objectContaining({ code: "STORE_IN_USE" }));
  first.release();
  first.release();
  FolderLock.take(path).release();
});

test("a folder that is not there is a named error", () => {
  expect(() => FolderLock.take(join(folder, "none", "appliance.lock"))).toThrow(
    expect.objectContaining({ code: "STORE_OPEN" }),
  );
});
