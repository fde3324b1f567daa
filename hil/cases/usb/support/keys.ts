/** What a device does with its key (SPEC 5.7), for the one kind of device whose key is known: a model. */
import { createHash } from "node:crypto";
import type { Hello } from "../../../../host/device/session/hello.ts";

const TAG_BYTES = 16;
const MODEL = /^lv06-model-([0-9a-f]{8})$/;

/** The text, then zeros. */
export function tagged(text: string): Buffer {
  return Buffer.from(text.padEnd(TAG_BYTES, "\0"), "latin1");
}

/** A model derives its key from the seed that its name tells; undefined for anything else. */
export function modelKey({ simulated, device }: Pick<Hello, "simulated" | "device">): Buffer | undefined {
  const seed = MODEL.exec(device)?.[1];
  if (!simulated || seed === undefined) return undefined;
  const message = Buffer.concat([tagged("lv06-model/key/1"), Buffer.from(seed, "hex")]);
  return createHash("sha256").update(message).digest();
}
