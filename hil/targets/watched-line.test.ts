import { expect, test } from "vitest";
import { encodeFrame } from "../../host/device/link/frame.ts";
import type { Transport } from "../../host/device/transport.ts";
import { WatchedLine } from "./watched-line.ts";

const reply = (seq: number) => Buffer.from(encodeFrame({ seq, verb: "OK", args: ["8af59e52"] }));
const [before, own, after] = [reply(0x0012), reply(0xfffe), Buffer.from("ESP-ROM:esp32s3\r\n")];

async function heardThrough(chunks: readonly Uint8Array[]): Promise<string> {
  let hear: (chunk: Uint8Array) => void = () => {};
  const inner: Transport = {
    name: "a line",
    write: async () => {},
    onChunk: (listener) => {
      hear = listener;
    },
    onClose: () => {},
    close: async () => {},
  };
  const line = new WatchedLine(inner, "lv06-aa");
  let heard = "";
  line.onChunk((chunk) => {
    heard += Buffer.from(chunk).toString("latin1");
  });
  await line.writeOwn(Buffer.from("~fffe RESET"));
  for (const chunk of chunks) hear(chunk);
  return heard;
}

test("the reply to the rig's own words is not a part of the case, however it comes", async () => {
  const all = Buffer.concat([before, own, after]);
  const rest = Buffer.concat([before, after]).toString("latin1");
  expect(await heardThrough([all])).toBe(rest);
  expect(await heardThrough([...all].map((byte) => Uint8Array.of(byte)))).toBe(rest);
  for (let at = 0; at <= all.length; at++)
    expect(await heardThrough([all.subarray(0, at), all.subarray(at)]), `cut at ${at}`).toBe(rest);
});

test("after it, a line that begins alike is heard", async () => {
  expect(await heardThrough([own, own])).toBe(own.toString("latin1"));
});
