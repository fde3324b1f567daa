import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { shellWord } from "./shell.ts";

test("a word means the same to a shell, whatever is in it, and is left as it is where it can be", () => {
  const words = ["/dev/ttyACM0", "a b", "it's", "$(x)", "`x`", "*", "a\\b", '"', "flip@both p=0.1; cut@read", "", "~"];
  const said = execFileSync("sh", ["-c", `printf '%s\\n' ${words.map(shellWord).join(" ")}`], { encoding: "utf8" });
  expect(said).toBe(words.map((word) => `${word}\n`).join(""));
  expect(shellWord("/dev/serial/by-id/usb-Espressif_1-if00")).toBe("/dev/serial/by-id/usb-Espressif_1-if00");
});
