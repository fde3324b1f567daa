import { describe, expect, it } from "vitest";
import { encodeFrame } from "../../host/device/link/frame.ts";
import { MemoryDevice } from "../../host/device/testing/memory-device.ts";
import type { Transport } from "../../host/device/transport.ts";
import { CHUNKS_KEPT, LastChunks } from "./last-chunks.ts";

/** A line whose other end the test speaks for. */
function line() {
  let hear: (chunk: Uint8Array) => void = () => {};
  let nowUs = 0;
  const inner: Transport = {
    name: "line",
    write: async () => {},
    onChunk: (listener) => {
      hear = listener;
    },
    onClose: () => {},
    close: async () => {},
  };
  const last = new LastChunks(() => nowUs++);
  const transport = last.through(inner);
  const heard: string[] = [];
  transport.onChunk((chunk) => heard.push(Buffer.from(chunk).toString("latin1")));
  const kept = () => last.list().map(({ bytes }) => Buffer.from(bytes).toString("latin1"));
  return { last, transport, heard, kept, hear: (text: string | Uint8Array) => hear(Buffer.from(text)) };
}

describe("the last chunks of a line", () => {
  it("are kept as they passed, with their times and directions", async () => {
    const { last, transport, hear } = line();
    await transport.write(Buffer.from("ask"));
    hear("ans");
    hear("wer\n");
    expect(last.list().map(({ atUs, direction, bytes }) => [atUs, direction, String(Buffer.from(bytes))])).toEqual([
      [0, "write", "ask"],
      [1, "read", "ans"],
      [2, "read", "wer\n"],
    ]);
  });

  it("are the last hundred", () => {
    const { kept, hear } = line();
    for (let count = 0; count < CHUNKS_KEPT + 20; count++) hear(String(count));
    expect(kept()).toHaveLength(CHUNKS_KEPT);
    expect(kept()[0]).toBe("20");
  });

  it("hold no key, however its answer was cut, and pass it on all the same", async () => {
    const { kept, heard, transport, hear } = line();
    const device = new MemoryDevice();
    const ask = { seq: 7, verb: "KEY", args: ["11".repeat(32)] };
    const answer = encodeFrame(device.honest(ask));
    const secret = device.honest(ask).args[1] ?? "";
    await transport.write(encodeFrame(ask));
    for (const at of [0, 20, 45]) hear(answer.subarray(at, at === 45 ? undefined : at === 0 ? 20 : 45));
    hear("log\n");
    expect(heard.join("")).toBe(`${answer.toString("latin1")}log\n`);
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    for (let at = 0; at + 8 <= secret.length; at++) expect(kept().join("")).not.toContain(secret.slice(at, at + 8));
    expect(kept().join("")).toContain("redacted");
    expect(kept().at(-1)).toBe("log\n");
  });
});
