import { describe, expect, test } from "vitest";
import { HiddenIds, redactedId } from "./hidden-id.ts";
import type { Passed } from "./report.ts";

const ID = "f412faaabbcc";
const shown = redactedId(ID);

describe("a hidden id", () => {
  test("is the same for the same device and does not hold its id", () => {
    expect(shown).toMatch(/^lv06-[0-9a-f]{8}$/);
    expect(redactedId(ID)).toBe(shown);
    expect(redactedId("f412faaabbcd")).not.toBe(shown);
  });

  test("is replaced wherever it stands, also as an address, and the chip's other addresses with it", () => {
    const hidden = new HiddenIds([ID]);
    for (const said of [ID, "F412FAAABBCC", "f4:12:fa:aa:bb:cc", "F4-12-FA-AA-BB-CC", "f4:12:fa:aa:bb:cd"])
      expect(hidden.text(`I (1) wifi: sta (${said})`)).toBe(`I (1) wifi: sta (${shown})`);
    expect(hidden.text("f4:12:fa:aa:bc:cc 12faaabbcc")).toBe("f4:12:fa:aa:bc:cc 12faaabbcc");
  });

  test("is replaced whole where an address is only a part of it, and where it has signs of patterns in it", () => {
    expect(new HiddenIds([`lv06-${ID}`]).text(`lv06-${ID}, ${ID}`)).toBe(
      `${redactedId(`lv06-${ID}`)}, ${redactedId(`lv06-${ID}`)}`,
    );
    expect(new HiddenIds(["unit.(7)+x"]).text("unit.(7)+x unitA(7)+x")).toBe(`${redactedId("unit.(7)+x")} unitA(7)+x`);
  });

  test("that is short is replaced only where it is named, and nothing else is harmed", () => {
    expect(new HiddenIds(["7"]).text("device=7 caps=77 device=77")).toBe(`device=${redactedId("7")} caps=77 device=77`);
  });

  test("is learned once, and what stands for one is none", () => {
    const hidden = new HiddenIds();
    hidden.learn(ID);
    hidden.learn(shown);
    expect(hidden.text(hidden.text(ID))).toBe(shown);
  });

  test("is made unreadable in chunks that keep their lengths, also across them and in each direction by itself", () => {
    const chunk = (direction: Passed["direction"], text: string, atUs: number): Passed => ({
      ...{ atUs, direction },
      bytes: Buffer.from(text, "latin1"),
    });
    const said = [chunk("read", "device=f412", 1), chunk("write", "ask\n", 2), chunk("read", "faaabbcc ok\n", 3)];
    const kept = new HiddenIds([ID])
      .chunks(said)
      .map(({ bytes, atUs }) => [atUs, Buffer.from(bytes).toString("latin1")]);
    expect(kept).toEqual([
      [1, "device=xxxx"],
      [2, "ask\n"],
      [3, "xxxxxxxx ok\n"],
    ]);
  });
});
