import { describe, expect, it } from "vitest";
import { DeviceError } from "../errors.ts";
import { parseHealth } from "./health.ts";
import { parseHello } from "./hello.ts";

const words = {
  proto: "1",
  nonce: "0a0b0c0d",
  firmware: "x/1",
  device: "x",
  caps: "hash,image,baud,teleport",
  maxLine: "2304",
  lines: "64",
  bytes: "16384",
  maxBlock: "1024",
  maxImage: "50176",
  rates: "115200,921600",
};
const read = (change: Record<string, string | undefined> = {}) => {
  const entries = Object.entries({ ...words, ...change }).filter(([, value]) => value !== undefined);
  return parseHello(
    entries.map(([key, value]) => `${key}=${value}`),
    "1a2b3c4d",
  );
};
const codeOf = (run: () => unknown) => {
  try {
    run();
    return "no error";
  } catch (error) {
    return error instanceof DeviceError ? error.code : String(error);
  }
};

describe("HELLO", () => {
  it("tells limits, with defaults for what may be absent, and only known capabilities", () => {
    expect(read()).toMatchObject({
      maxReplyBytes: 512,
      inflateBytes: 0,
      rates: [921_600, 115_200],
      capabilities: new Set(["hash", "image", "baud"]),
      simulated: false,
    });
    expect(read({ caps: "hash", maxImage: undefined, rates: undefined })).toMatchObject({
      maxImagePixels: 0,
      rates: [],
    });
  });

  it("counts the first of repeated keys", () => {
    const again = ["maxLine=512", "lines=1"];
    const all = [...Object.entries(words).map(([key, value]) => `${key}=${value}`), ...again];
    expect(parseHello(all, "1a2b3c4d")).toMatchObject({ maxLineBytes: 2304, credits: { lines: 64 } });
  });

  it.each([
    ["a version from the future", { proto: "2" }],
    ["version 0", { proto: "0" }],
    ["a leading zero", { lines: "064" }],
    ["a sign", { lines: "+4" }],
    ["hexadecimal digits", { maxLine: "0x900" }],
    ["a line shorter than HELLO's own", { maxLine: "511" }],
    ["a line longer than any", { maxLine: "65537" }],
    ["a reply longer than any", { maxReply: "65537" }],
    ["no credit", { lines: "0" }],
    ["fewer bytes of credit than a line", { bytes: "2303" }],
    ["no block", { maxBlock: "0" }],
    ["a block longer than any", { maxBlock: "32769" }],
    ["an image, but not how large", { maxImage: undefined }],
    ["an image larger than any", { maxImage: "1048577" }],
    ["inflating nothing", { inflate: "0" }],
    ["rates, but not which", { rates: undefined }],
    ["a rate that is none", { rates: "115200,fast" }],
    ["simulated, but not quite", { simulated: "0" }],
    ["no name", { device: undefined }],
    ["an empty name", { device: "" }],
    ["a name without end", { firmware: "x".repeat(65) }],
    ["no capabilities", { caps: undefined }],
    ["everything but hash", { caps: "image,baud" }],
  ])("of a device with %s is refused", (_, change) => {
    expect(codeOf(() => read(change))).toBe("DEVICE_PROTOCOL");
  });
});

describe("HEALTH", () => {
  it("leaves unknown what is not there", () => {
    expect(parseHealth(["tempC=-4.25", "errors=0", "resetReason=power-on", "novelty=1"])).toEqual({
      tempC: -4.25,
      errors: 0,
      resetReason: "power-on",
    });
  });
  it.each(["tempC=", "tempC=hot", "tempC=1e9", "powerW=1.2345", "uptimeS=1234567890", "resetReason=Panic!"])(
    "refuses %s",
    (word) => {
      expect(codeOf(() => parseHealth([word]))).toBe("DEVICE_REPLY");
    },
  );
});
