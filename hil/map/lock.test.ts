import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockDevice, removeStaleLock } from "./lock.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lv06-lock-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The number of a process that has ended. */
async function endedPid(): Promise<number> {
  const child = spawn("true");
  await once(child, "exit");
  return child.pid ?? 0;
}

describe("a device's lock", () => {
  it("is one run's, until it is given back", async () => {
    const lock = await lockDevice("lv06-aa", { folder, purpose: "the first" });
    await expect(lockDevice("lv06-aa", { folder })).rejects.toMatchObject({
      code: "RIG_LOCKED",
      detail: expect.stringContaining(`process ${process.pid} (the first)`),
    });
    await (await lockDevice("lv06-bb", { folder })).release();
    await lock.release();
    await lock.release();
    await (await lockDevice("lv06-aa", { folder })).release();
    expect(await readdir(folder)).toEqual([]);
  });

  it("is taken over from a process that has ended, or that another has the number of", async () => {
    const path = join(folder, "lv06-aa.lock");
    for (const owner of [{ pid: await endedPid(), began: "1" }, { pid: process.pid, began: "1" }, "rubbish"]) {
      await writeFile(path, JSON.stringify(typeof owner === "string" ? owner : { ...owner, purpose: "stale" }));
      const lock = await lockDevice("lv06-aa", { folder });
      await lock.release();
    }
  });

  it("goes to one only of many who find it stale", async () => {
    const path = join(folder, "lv06-aa.lock");
    const pid = await endedPid();
    for (let round = 0; round < 20; round++) {
      await writeFile(path, JSON.stringify({ pid, began: "1", purpose: "stale" }));
      const tries = Array.from({ length: 8 }, () => lockDevice("lv06-aa", { folder }));
      const got = (await Promise.allSettled(tries)).filter(({ status }) => status === "fulfilled");
      expect(got).toHaveLength(1);
      for (const each of got) if (each.status === "fulfilled") await each.value.release();
    }
  });

  it("is not removed by one who found it stale, and comes after another has taken it over", async () => {
    const lock = await lockDevice("lv06-aa", { folder });
    await writeFile(join(folder, "own"), "");
    await removeStaleLock(join(folder, "lv06-aa.lock"), join(folder, "own"));
    await expect(lockDevice("lv06-aa", { folder })).rejects.toMatchObject({ code: "RIG_LOCKED" });
    await lock.release();
  });

  it("of a name with slashes lies in its folder all the same", async () => {
    const lock = await lockDevice("../../etc/x", { folder });
    expect(await readdir(folder)).toEqual([".._.._etc_x.lock"]);
    await lock.release();
  });
});
