import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildModel, modelProgram } from "../../host/device/testing/firmware.ts";
import { startModel } from "../../host/device/usb/model-process.ts";
import type { TroubleRoots } from "../../host/device/usb/port-trouble.ts";
import { preflight } from "./preflight.ts";

let roots: TroubleRoots;
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), "lv06-preflight-"));
  roots = { proc: join(folder, "proc"), sys: join(folder, "sys") };
});
afterEach(() => rm(dirname(roots.proc), { recursive: true }));

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

const codes = async (path?: string) => (await preflight(path, roots)).map(({ code, what }) => `${code} ${what}`);

describe("preflight", () => {
  it("finds nothing where nothing is", async () => {
    expect(await codes()).toEqual([]);
  });

  it("names programs that speak to ports as they appear", async () => {
    await put(join(roots.proc, "17", "comm"), "ModemManager\n");
    await put(join(roots.proc, "18", "comm"), "brltty\n");
    await put(join(roots.proc, "self", "comm"), "node\n");
    const found = await preflight(undefined, roots);
    expect(found.map(({ what }) => what.split(" ")[0])).toEqual(["ModemManager", "brltty"]);
    expect(found[0]?.todo).toContain("ID_MM_DEVICE_IGNORE");
  });

  it.each([
    ["0x0", []],
    ["0x50000", ["RIG_UNDERVOLTAGE this computer's supply voltage was too low since it was started"]],
    ["0x50005", ["RIG_UNDERVOLTAGE this computer's supply voltage is too low"]],
  ])("reads the Raspberry Pi's flags: %s", async (flags, expected) => {
    await put(join(roots.sys, "devices/platform/soc/soc:firmware/get_throttled"), `${flags}\n`);
    expect(await codes()).toEqual(expected);
  });

  it("reads the Raspberry Pi's voltage alarm", async () => {
    const hwmon = join(roots.sys, "class/hwmon/hwmon1");
    await put(join(hwmon, "name"), "rpi_volt\n");
    await put(join(hwmon, "in0_lcrit_alarm"), "1\n");
    expect(await codes()).toEqual(["RIG_UNDERVOLTAGE this computer's supply voltage is too low"]);
  });

  it("names the program that holds the port, and nothing of what holds another file", async () => {
    await put(join(roots.proc, "17", "comm"), "minicom\n");
    await mkdir(join(roots.proc, "17", "fd"));
    await symlink("/dev/ttyNone", join(roots.proc, "17", "fd", "3"));
    await symlink("/dev/null", join(roots.proc, "17", "fd", "4"));
    expect(await codes("/dev/ttyNone")).toEqual(["RIG_PORT_BUSY process 17 (minicom) has ttyNone open"]);
    expect(await codes("/dev/null")).toEqual([]);
  });

  it("finds nothing against a model's port, which the model itself has open", async () => {
    await buildModel();
    const model = await startModel({ program: modelProgram });
    try {
      expect((await preflight(model.path)).filter(({ code }) => code === "RIG_PORT_BUSY")).toEqual([]);
    } finally {
      await model.stop();
    }
  });
});
