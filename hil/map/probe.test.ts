/** What is at a port, on real pseudo-terminals: a model, and much that is none. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../host/device/clock.ts";
import { buildModel, missingPrograms, modelProgram } from "../../host/device/testing/firmware.ts";
import { type ModelProcess, startModel } from "../../host/device/usb/model-process.ts";
import { openSerial } from "../../host/device/usb/serial-transport.ts";
import { expectUsable, probePort } from "./probe.ts";
import { type OddKind, startOddPort } from "./testing/odd-port.ts";

const BRIEF = { quietMs: 20, helloMs: 900, steadyMs: 300 };
const noPython = missingPrograms("python3").length > 0;
let model: ModelProcess | undefined;

beforeAll(buildModel);
afterEach(async () => {
  await model?.stop("SIGKILL");
  model = undefined;
});

async function plug(uart = false): Promise<string> {
  model = await startModel({ program: modelProgram, seed: 7, uart });
  return model.path;
}

describe("a port with the model behind it", () => {
  it("is told by what HELLO says", async () => {
    const { hello, baud } = await probePort({ path: await plug(), ...BRIEF });
    expect(hello).toMatchObject({ device: "lv06-model-00000007", simulated: true });
    expect(baud).toBe(115_200);
  });

  it("is found at another rate, where a host left it", async () => {
    const path = await plug(true);
    const line = await openSerial({ path, baud: 115_200, clock: systemClock });
    const { UsbDevice } = await import("../../host/device/usb/usb-device.ts");
    const left = await UsbDevice.open(line, { clock: systemClock, random: Math.random, quietMs: 20 });
    expect(left.baud).toBe(921_600);
    await line.close();
    expect((await probePort({ path, ...BRIEF })).baud).toBe(921_600);
  });

  it("is busy while another program holds it", async () => {
    const path = await plug();
    const line = await openSerial({ path, baud: 115_200, clock: systemClock });
    await expect(probePort({ path, ...BRIEF })).rejects.toMatchObject({ code: "RIG_PORT_BUSY" });
    await line.close();
  });

  it("resets for ever when it does: though it answers HELLO in between", async () => {
    const path = await plug();
    const restarts = setInterval(() => model?.brownOut(), 150);
    try {
      const verdict = probePort({ path, ...BRIEF });
      await expect(verdict).rejects.toMatchObject({
        code: "RIG_RESETS",
        detail: expect.stringMatching(/Brownout|brownout/),
      });
    } finally {
      clearInterval(restarts);
    }
  });
});

describe.skipIf(noPython)("a port with something else behind it", () => {
  const verdicts: readonly (readonly [OddKind, string, RegExp])[] = [
    ["arduino", "RIG_NOT_LV06", /Arduino.*Temperature/],
    ["esp-idf", "RIG_NOT_LV06", /stock firmware.*SystemModule/],
    ["gps", "RIG_NOT_LV06", /NMEA.*\$GPRMC/],
    ["modem", "RIG_NOT_LV06", /modem/],
    ["echo", "RIG_NOT_LV06", /echoes/],
    ["resets", "RIG_RESETS", /Guru Meditation/],
    ["noise", "DEVICE_NO_HELLO", /did not answer/],
    ["flood", "RIG_NOT_LV06", /prints text.*xxx/],
    ["silent", "DEVICE_NO_HELLO", /nothing readable/],
  ];

  it.each(verdicts)("is named: %s", async (kind, code, words) => {
    const port = await startOddPort(kind);
    try {
      await expect(probePort({ path: port.path, ...BRIEF })).rejects.toMatchObject({
        code,
        message: expect.stringMatching(words),
      });
    } finally {
      await port.stop();
    }
  });
});

describe("a name that is no usable port", () => {
  it("is absent, or no port, or not this user's, by name", async () => {
    const folder = await mkdtemp(join(tmpdir(), "lv06-probe-"));
    const file = join(folder, "file");
    await writeFile(file, "");
    await expect(probePort({ path: join(folder, "none"), ...BRIEF })).rejects.toMatchObject({ code: "DEVICE_ABSENT" });
    await expect(probePort({ path: file, ...BRIEF })).rejects.toMatchObject({ code: "RIG_PORT_KIND" });
    await expect(probePort({ path: "/dev/null", ...BRIEF })).rejects.toMatchObject({ code: "RIG_PORT_KIND" });
    const refused = async () => {
      throw Object.assign(new Error("EACCES"), { code: "EACCES" });
    };
    await expect(expectUsable("/dev/null", refused)).rejects.toMatchObject({
      code: "RIG_PORT_PERMISSION",
      detail: expect.stringContaining("group root"),
    });
    await rm(folder, { recursive: true });
  });
});
