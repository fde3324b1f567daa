import { expect, it } from "vitest";
import { BootHistory } from "./boots.ts";

it("tells an answer of this start from one of an earlier start, and from nobody's", () => {
  const boots = new BootHistory();
  const say = (id: string, atMs: number) => boots.heard(Buffer.from(`~0000 BOOT ${id} power-on 00000000\n`), atMs);
  say("aaaaaaaa", 0);
  boots.ended(100);
  say("bbbbbbbb", 150);
  say("bbbbbbbb", 160);
  expect(boots.count).toBe(2);
  expect(boots.judge("aaaaaaaa", 50, 120)).toBe("its own");
  expect(boots.judge("aaaaaaaa", 101, 120)).toBe("of an earlier start");
  expect(boots.judge("bbbbbbbb", 101, 120)).toBe("its own");
  expect(boots.judge("cccccccc", 101, 120)).toBe("unknown");
});
