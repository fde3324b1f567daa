import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cobsBytes, dataThatFits, decodeCobs, encodeCobs, mostCobsBytes } from "./cobs.ts";

const anyBytes = fc.uint8Array({ minLength: 1, maxLength: 1200 });
/** Zeros and long runs without any, where groups begin and end. */
const runs = fc
  .array(fc.tuple(fc.constantFrom(0, 1, 10, 255), fc.constantFrom(1, 2, 252, 253, 254, 255, 508)), {
    minLength: 1,
    maxLength: 5,
  })
  .map((parts) => Buffer.concat(parts.map(([byte, count]) => Buffer.alloc(count, byte))));
const data = fc.oneof(anyBytes, runs).map((bytes) => Buffer.from(bytes));

describe("payloads", () => {
  it.each([
    ["00", "0b0b"],
    ["0a", "0800"],
    ["110022", "081b0828"],
    ["00".repeat(3), "0b0b0b0b"],
    ["01".repeat(254), `f5${"0b".repeat(254)}`],
    ["01".repeat(255), `f5${"0b".repeat(254)}080b`],
    [`${"01".repeat(254)}00`, `f5${"0b".repeat(254)}0b0b`],
    [`${"01".repeat(253)}00`, `f4${"0b".repeat(253)}0b`],
  ])("writes %s as the specification does, and reads it", (plain, sent) => {
    expect(encodeCobs(Buffer.from(plain, "hex")).toString("hex")).toBe(sent);
    expect(decodeCobs(Buffer.from(sent, "hex"))?.toString("hex")).toBe(plain);
  });

  it("brings any bytes back, without a line feed on the way, and no longer than it says", () => {
    fc.assert(
      fc.property(data, (bytes) => {
        const sent = encodeCobs(bytes);
        expect(decodeCobs(sent)).toEqual(bytes);
        expect(sent.includes(10)).toBe(false);
        expect(sent.length).toBe(cobsBytes(bytes));
        expect(sent.length).toBeLessThanOrEqual(mostCobsBytes(bytes.length));
      }),
      { numRuns: 1000 },
    );
  });

  it("has one way to write what it reads, but for the empty group that stock encoders add", () => {
    const payloads = fc
      .uint8Array({ minLength: 1, maxLength: 600 })
      .map((bytes) => bytes.map((b) => (b === 10 ? 0 : b)));
    const stock = encodeCobs(Buffer.alloc(254, 1));
    expect(decodeCobs(Buffer.concat([stock, Buffer.of(0x0b)]))).toEqual(Buffer.alloc(254, 1));
    fc.assert(
      fc.property(payloads, (payload) => {
        const read = decodeCobs(payload);
        if (read === undefined) return;
        const again = encodeCobs(read);
        expect([Buffer.from(payload), Buffer.from(payload.subarray(0, -1))]).toContainEqual(again);
      }),
      { numRuns: 1000 },
    );
  });

  it.each(["", "0b", "09", "0800f5", "f500"])("refuses %j: a group beyond the end, or nothing at all", (sent) => {
    expect(decodeCobs(Buffer.from(sent, "hex"))).toBeUndefined();
  });

  it("knows how much data surely fits", () => {
    for (let room = 0; room < 1100; room++) {
      const fits = dataThatFits(room);
      if (fits > 0) expect(mostCobsBytes(fits)).toBeLessThanOrEqual(room);
      expect(mostCobsBytes(fits + 1)).toBeGreaterThan(room);
    }
  });
});
