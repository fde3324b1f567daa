import { describe, expect, it } from "vitest";
import { encodeFrame } from "../link/frame.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { MemoryDevice } from "../testing/memory-device.ts";
import { Session } from "./session.ts";

const CRASH = "Guru Meditation Error: Core  0 panic'ed (LoadProhibited).\r\n";
const BROWNOUT = "\u001b[0;31mE (812) Brownout detector was triggered\u001b[0m\r\n";
const BOOTLOADER =
  "ESP-ROM:esp32s3-20210327\r\nrst:0x1 (POWERON),boot:0x0 (DOWNLOAD(USB/UART0))\r\nwaiting for download\r\n";

async function ready() {
  const clock = new FakeClock();
  const device = new MemoryDevice();
  const logs: string[] = [];
  const opening = Session.open(device, { clock, random: () => 0.5, onLog: (text) => void logs.push(text) });
  await clock.advance(400);
  const session = await opening;
  const gone: string[] = [];
  session.onGone(({ code, message }) => void gone.push(code, message));
  device.received.length = 0;
  return { clock, device, session, gone, logs };
}

describe("a device that does not answer HELLO", () => {
  it.each([
    [BOOTLOADER, "DEVICE_BOOTLOADER", "waiting for download"],
    [BROWNOUT, "DEVICE_BROWNOUT", "Brownout"],
    [CRASH, "DEVICE_CRASHED", "LoadProhibited"],
    ["ESP-ROM:esp32s3\r\n", "DEVICE_NO_HELLO", "ESP-ROM"],
    ["AT+CGMI\r\n", "DEVICE_NO_HELLO", "AT+CGMI"],
    ["", "DEVICE_NO_HELLO", "nothing readable"],
  ])("after %j is explained by it", async (text, code, words) => {
    const clock = new FakeClock();
    const device = new MemoryDevice(() => []);
    const opening = Session.open(device, { clock, random: () => 0.5 }).catch((error: unknown) => error);
    device.say(text);
    await clock.advance(6000);
    expect(await opening).toMatchObject({ code, message: expect.stringContaining(words) });
  });

  it("is not explained by what it said before it answered", async () => {
    const clock = new FakeClock();
    const device = new MemoryDevice();
    const opening = Session.open(device, { clock, random: () => 0.5 });
    device.say(BROWNOUT);
    await clock.advance(400);
    const session = await opening;
    const gone = new Promise((resolve) => session.onGone(resolve));
    device.say(encodeFrame({ seq: 0, verb: "BOOT", args: ["99999999", "software"] }));
    await clock.advance(1);
    expect(await gone).toMatchObject({ code: "DEVICE_REBOOTED" });
  });
});

describe("a device in use", () => {
  it.each([CRASH, BROWNOUT, "ESP-ROM:esp32s3\n", "rst:0x10 (RTCWDT_RTC_RST)\n"])(
    "is asked at once whether it still lives after %j",
    async (text) => {
      const { clock, device, gone } = await ready();
      device.say(text.repeat(40));
      await clock.advance(5);
      expect(device.received.map(({ verb }) => verb)).toEqual(["PING"]);
      await clock.advance(5000);
      expect(gone).toEqual([]);
    },
  );

  it.each([
    [CRASH, "panic", "DEVICE_CRASHED"],
    [CRASH, "unknown", "DEVICE_CRASHED"],
    [BROWNOUT, "brownout", "DEVICE_BROWNOUT"],
    ["ESP-ROM:esp32s3\n", "watchdog", "DEVICE_CRASHED"],
    ["ESP-ROM:esp32s3\n", "software", "DEVICE_REBOOTED"],
  ])("that restarts after %j for %s ends with its reason", async (text, reason, code) => {
    const { clock, device, gone } = await ready();
    device.behaviour = () => [];
    device.say(text);
    await clock.advance(5);
    device.say(encodeFrame({ seq: 0, verb: "BOOT", args: ["99999999", reason] }));
    await clock.advance(5);
    expect(gone[0]).toBe(code);
  });

  it("that stays silent after its last words ends with them", async () => {
    const { clock, device, gone } = await ready();
    device.behaviour = () => [];
    device.say(CRASH);
    await clock.advance(6000);
    expect(gone).toEqual(["DEVICE_CRASHED", expect.stringContaining("LoadProhibited")]);
    expect(device.closed).toBe(true);
  });

  it("hands its log on", async () => {
    const { clock, device, logs } = await ready();
    device.say("I (1) up\n~damage\n");
    await clock.advance(5);
    expect(logs).toEqual(["I (1) up"]);
  });
});
