/** `./lv06 verify` as a person would run it, on the published vectors. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "lv06-verify-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Vector {
  readonly name: string;
  readonly trustedKeys: readonly string[];
  readonly minDifficulty: number;
  readonly receipt: string;
}

const vectors = JSON.parse(readFileSync(path("../host/seal/vectors/receipts.json"), "utf8")) as readonly Vector[];
const valid = vectors.find(({ name }) => name === "valid");
const receipt = join(folder, "receipt.json");
const trust = join(folder, "keys.txt");
writeFileSync(receipt, valid?.receipt ?? "");
writeFileSync(trust, valid?.trustedKeys.map((key) => `${key} ward 3\n`).join("") ?? "");

function verify(...args: readonly string[]): Promise<{ readonly status: number; readonly out: string }> {
  return new Promise((resolve) => {
    execFile(path("../lv06"), ["verify", ...args], (error, out) => resolve({ status: Number(error?.code ?? 0), out }));
  });
}

const least = ["--min-difficulty", String(valid?.minDifficulty)];

it("a good receipt of a trusted signer is valid, with one JSON document", async () => {
  const { status, out } = await verify(receipt, "--trust", trust, ...least, "--json");
  expect(status).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ exitCode: 0 });
});

it("without the signer's key it says so", async () => {
  const { status, out } = await verify(receipt, ...least);
  expect(status).toBe(3);
  expect(out).toContain("not among the trusted keys");
});

it("a changed digit names the check that fails", async () => {
  const changed = join(folder, "changed.json");
  writeFileSync(changed, (valid?.receipt ?? "").replace('"probability":"0.', '"probability":"1.'));
  const { status, out } = await verify(changed, "--trust", trust, ...least);
  expect(status).toBe(1);
  expect(out).toMatch(/failed {4}commitment|failed {4}form/);
});

it("what is too long is no receipt", async () => {
  const long = join(folder, "long.json");
  writeFileSync(long, " ".repeat(20_000));
  const { status, out } = await verify(long);
  expect(status).toBe(1);
  expect(out).toMatch(/failed {4}form/);
});

it("another film is not the result's", async () => {
  const film = path("films/NORMAL/IM-0386-0001.jpeg");
  const { status, out } = await verify(receipt, "--trust", trust, ...least, "--image", film);
  expect(status).toBe(1);
  expect(out).toMatch(/failed {4}raster/);
});

/** Of what a command is described with, the line ends where the next word would still have fitted. */
function ragged(help: string): readonly string[] {
  const lines = (help.split("\n\n")[1] ?? "").split("\n");
  return lines.filter((line, at) => line.length + 1 + (lines[at + 1]?.split(" ")[0] ?? "-".repeat(80)).length <= 80);
}

it.each(["verify", "receipt", "infer", "ledger head", "ledger check", "device pair"])(
  "the help of %s fits into 80 columns",
  async (command) => {
    const help = await new Promise<string>((resolve) => {
      execFile(path("../lv06"), [...command.split(" "), "--help"], (_, out) => resolve(out));
    });
    expect(help).toContain("Options:");
    expect(ragged(help)).toEqual([]);
    expect(help.split("Exit codes:")[1]?.split("\n")[0]?.length ?? 0).toBeLessThan(69);
  },
);

it("its help has every exit code that it can end with", async () => {
  const { out } = await verify("--help");
  const codes = [...(out.split("Exit codes:")[1] ?? "").matchAll(/(\d) \w/g)].map(([, code]) => Number(code));
  expect(codes).toEqual([0, 1, 2, 3, 4, 6]);
});
