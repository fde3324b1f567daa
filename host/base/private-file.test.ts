import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openPrivateFile, type PrivateFileFault, readPrivateFile } from "./private-file.ts";

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "lv06-private-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const folder = () => join(home, "a", "keys");
const path = () => join(folder(), "it");
const open = (content = "made", uid?: number) =>
  openPrivateFile({
    folder: folder(),
    name: "it",
    maxBytes: 100,
    make: () => content,
    ...(uid === undefined ? {} : { uid }),
  });
const read = (uid?: number) => readPrivateFile(path(), 100, uid);
const fault = (kind: PrivateFileFault) => expect.objectContaining({ fault: kind });
const another = (process.getuid?.() ?? 0) + 1;

describe("a private file", () => {
  test("is made once, for its user alone, and then read", () => {
    expect(open("one")).toBe("one");
    expect(open("two")).toBe("one");
    expect(read()).toBe("one");
    expect([statSync(folder()).mode & 0o777, statSync(path()).mode & 0o777]).toEqual([0o700, 0o600]);
    expect(readdirSync(folder())).toEqual(["it"]);
  });

  test("is private whatever the umask says", () => {
    const before = process.umask(0);
    try {
      open();
    } finally {
      process.umask(before);
    }
    expect([statSync(folder()).mode & 0o777, statSync(path()).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  test("that is only read is not made", () => {
    expect(read()).toBeUndefined();
    expect(readdirSync(home)).toEqual([]);
  });

  test.each([0o640, 0o620, 0o604, 0o602, 0o601])("of mode %o is refused, opened or read", (mode) => {
    open();
    chmodSync(path(), mode);
    expect(() => open()).toThrow(fault("permissions"));
    expect(() => read()).toThrow(fault("permissions"));
  });

  test("in a folder that others may enter, of another user, or behind a link, is refused", () => {
    open();
    expect(() => open("", another)).toThrow(fault("permissions"));
    expect(() => read(another)).toThrow(fault("permissions"));
    chmodSync(folder(), 0o710);
    expect(() => open()).toThrow(fault("permissions"));
    chmodSync(folder(), 0o700);
    rmSync(path());
    writeFileSync(join(folder(), "elsewhere"), "x", { mode: 0o600 });
    symlinkSync("elsewhere", path());
    expect(() => open()).toThrow(fault("permissions"));
    expect(() => read()).toThrow(fault("permissions"));
  });

  test("that is too long, or a folder, is not its form", () => {
    open();
    writeFileSync(path(), "x".repeat(101));
    expect(() => open()).toThrow(fault("form"));
    rmSync(path());
    mkdirSync(path(), { mode: 0o700 });
    expect(() => open()).toThrow(fault("form"));
  });

  test("that somebody else made first is the one that is used", () => {
    mkdirSync(folder(), { recursive: true, mode: 0o700 });
    const make = () => {
      writeFileSync(path(), "theirs", { mode: 0o600 });
      return "ours";
    };
    expect(openPrivateFile({ folder: folder(), name: "it", maxBytes: 100, make })).toBe("theirs");
    expect(readFileSync(path(), "utf8")).toBe("theirs");
  });

  test("whose folder cannot be made is a fault of the disk", () => {
    writeFileSync(join(home, "a"), "");
    expect(() => open()).toThrow(fault("io"));
    expect(() => read()).toThrow(fault("io"));
  });
});
