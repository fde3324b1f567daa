import { inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { encodeCobs } from "../link/cobs.ts";
import { MemoryImage } from "../testing/memory-image.ts";
import { Seeded } from "../testing/seeded.ts";
import { type RowsPayload, rowsInTurn } from "./rows.ts";

const LIMITS = { payloadBytes: 2253, inflateBytes: 8192 };
const image = (width: number, height: number, pixel: (x: number, y: number) => number) => ({
  width,
  height,
  samples: Uint8Array.from({ length: width * height }, (_, i) => pixel(i % width, Math.floor(i / width))),
});
const random = new Seeded(5);
const smooth = image(224, 224, (x, y) => (x * x + y * 3) >> 4);
const noise = image(224, 224, () => random.below(256));
const grainy = image(224, 224, (x, y) => (x >> 1) + (y >> 2) + random.below(8));
const half = image(224, 224, (x, y) => (y < 112 ? x : random.below(256)));

/** The pixels that the payloads carry, unpacked as SPEC §5.8 says. */
function unpack(payloads: readonly RowsPayload[], width: number, height: number): Uint8Array {
  const device = new MemoryImage();
  const ask = (args: string[], payload?: Uint8Array) =>
    device.answer({ seq: 1, verb: "IMAGE", args, ...(payload === undefined ? {} : { payload }) });
  ask(["NEW", "00000001", String(width), String(height)]);
  for (const { first, encoding, bytes } of payloads) {
    expect(ask(["ROWS", "00000001", String(first), encoding], bytes)).toEqual({ ok: [] });
  }
  return device.pixels;
}

describe("rowsInTurn", () => {
  it.each([
    ["smooth", smooth, "deflate"],
    ["noisy", noise, "raw"],
    ["one-pixel", image(1, 1, () => 7), "raw"],
    ["wide", image(1024, 8, (x) => x), "deflate"],
    ["narrow", image(1, 1024, (_, y) => y), "deflate"],
  ])("brings every row of a %s image, in lines that fit", (_, film, encoding) => {
    const payloads = [...rowsInTurn(film, LIMITS)];
    expect(Buffer.compare(unpack(payloads, film.width, film.height), film.samples)).toBe(0);
    for (const { bytes, encoding: how, count } of payloads) {
      expect(encodeCobs(bytes).length).toBeLessThanOrEqual(LIMITS.payloadBytes);
      if (how === "deflate") expect(inflateRawSync(bytes).length).toBe(count * (film.width + 1));
      if (how === "deflate") expect(count * (film.width + 1)).toBeLessThanOrEqual(LIMITS.inflateBytes);
    }
    expect(payloads[0]?.encoding).toBe(encoding);
  });

  it("sends what does not shrink as it is, payload by payload", () => {
    const payloads = [...rowsInTurn(half, LIMITS)];
    expect([...new Set(payloads.map(({ encoding }) => encoding))]).toEqual(["deflate", "raw"]);
    expect(Buffer.compare(unpack(payloads, 224, 224), half.samples)).toBe(0);
  });

  it("deflates nothing for a device that does not inflate", () => {
    const payloads = [...rowsInTurn(smooth, { ...LIMITS, inflateBytes: 0 })];
    expect(new Set(payloads.map(({ encoding }) => encoding))).toEqual(new Set(["raw"]));
    expect(payloads).toHaveLength(Math.ceil(224 / Math.floor(2244 / 224)));
  });

  it("fills its lines", () => {
    const filled = [...rowsInTurn(grainy, LIMITS)].slice(0, -1);
    for (const { bytes, count } of filled) {
      const rowBytes = encodeCobs(bytes).length / count;
      expect(encodeCobs(bytes).length + 2 * rowBytes).toBeGreaterThan(LIMITS.payloadBytes);
    }
  });

  it("refuses rows that fit no line", () => {
    expect(() =>
      rowsInTurn(
        image(600, 2, () => random.below(256)),
        { payloadBytes: 460, inflateBytes: 8192 },
      ).next(),
    ).toThrow("DEVICE_LIMIT");
  });
});
