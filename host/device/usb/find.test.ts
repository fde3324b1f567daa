import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findPorts } from "./find.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lv06-dev-"));
});
afterEach(() => rm(root, { recursive: true }));

describe("findPorts", () => {
  it("prefers stable names, lists each port once and leaves other files out", async () => {
    await mkdir(join(root, "serial", "by-id"), { recursive: true });
    for (const name of ["ttyACM0", "ttyUSB1", "ttyS0", "null"]) await writeFile(join(root, name), "");
    await symlink("../../ttyUSB1", join(root, "serial", "by-id", "usb-Silicon_Labs_CP2104-if00"));
    await symlink("../../ttyUSB9", join(root, "serial", "by-id", "usb-gone"));
    expect(await findPorts(root)).toEqual([
      {
        path: join(root, "serial", "by-id", "usb-Silicon_Labs_CP2104-if00"),
        stable: true,
        port: join(root, "ttyUSB1"),
      },
      { path: join(root, "ttyACM0"), stable: false, port: join(root, "ttyACM0") },
    ]);
  });

  it("finds nothing where there is nothing", async () => {
    expect(await findPorts(join(root, "none"))).toEqual([]);
  });
});
