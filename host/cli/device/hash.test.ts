import { expect, test } from "vitest";
import type { HashingDevice } from "./hash.ts";
import { hashAll } from "./hash.ts";

const wire = { sentBytes: 0, receivedBytes: 0 };
const { signal } = new AbortController();
const abc = Buffer.from("abc");
const OWN = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/** Answers every block with the same digest. */
function saying(digest: string): HashingDevice {
  const info = { maxBlockBytes: 64, simulated: true };
  return { info, hash: async (blocks) => blocks.map(() => Buffer.from(digest, "hex")) };
}

test("a wrong digest is shown as the device said it, beside the one expected", async () => {
  const wrong = "00".repeat(32);
  const document = await hashAll({ device: saying(wrong), wire, signal }, abc);
  expect(document).toMatchObject({ digest: wrong, expected: OWN, mismatches: 1, equal: false });
});

test("a right one stands alone", async () => {
  const document = await hashAll({ device: saying(OWN), wire, signal }, abc);
  expect(document).toMatchObject({ digest: OWN, mismatches: 0, equal: true });
  expect(document).not.toHaveProperty("expected");
});
