import type { Command } from "commander";
import type { Device } from "../../device/device.ts";
import { sha256, verifyDigests } from "../../device/digest.ts";
import { action, type Context } from "../context.ts";
import { UsageError } from "../error.ts";
import { readNamedFile } from "../files.ts";
import { EXIT, examples } from "../output.ts";
import { withBar } from "../progress.ts";
import { type Opened, onPort, type PortOptions, withDevice } from "./open.ts";
import { fromHex } from "./parse.ts";
import { simulatedMark } from "./print.ts";

interface Options extends PortOptions {
  readonly hex?: string;
  readonly file?: string;
}

/** Blocks between two looks at the bar. */
const BLOCKS_A_STEP = 256;

export function registerHash(device: Command): void {
  onPort(device.command("hash"))
    .summary("have the device hash bytes, and compare with this machine's own digest")
    .description(
      "Has the device compute SHA-256 and compares it with this machine's own digest.\n" +
        "It shows that device and line are sound. It says nothing about the ASIC, which cannot hash a block.",
    )
    .argument("[text]", "what to hash, as text")
    .option("--hex <bytes>", "what to hash, as hexadecimal digits")
    .option("--file <path>", "a file, in blocks of the device's largest size")
    .addHelpText("after", examples("lv06 device hash abc", "lv06 device hash --file film.jpeg --port /dev/ttyACM0"))
    .action(
      action(async (context, text: string | undefined, options: Options) => {
        const bytes = await bytesOf(context, text, options);
        return withDevice(context, options, async (opened) => {
          const document = await hashAll(opened, bytes);
          const { digest, expected, blocks, mismatches, durationMs, simulated } = document;
          context.output.answer(document, () => [
            ...(digest === null ? [] : [digest]),
            ...(expected === undefined ? [] : [`${expected} expected`]),
            `${blocks} blocks, ${mismatches} differ, ${durationMs} ms${simulatedMark(simulated)}`,
          ]);
          return document.equal ? EXIT.done : EXIT.failed;
        });
      }),
    );
}

/** What is needed of the device. */
export interface HashingDevice extends Pick<Device, "hash"> {
  readonly info: Pick<Device["info"], "maxBlockBytes" | "simulated">;
}

type Hashing = Pick<Opened, "wire" | "signal"> & { readonly device: HashingDevice };

/** @throws DeviceError */
export async function hashAll({ device, wire, signal }: Hashing, bytes: Uint8Array) {
  const blocks = inBlocks(bytes, device.info.maxBlockBytes);
  const own = blocks.map(sha256);
  const [startedMs, before] = [performance.now(), wire.sentBytes + wire.receivedBytes];
  const told: Uint8Array[] = [];
  const mismatches = await withBar(blocks.length, "{bar} {value}/{total} blocks", async (bar) => {
    let wrong = 0;
    for (let from = 0; from < blocks.length; from += BLOCKS_A_STEP) {
      const to = from + BLOCKS_A_STEP;
      const check = await verifyDigests(device, blocks.slice(from, to), own.slice(from, to), { signal });
      wrong += check.mismatches.length;
      told.push(...check.digests);
      bar.update(to);
    }
    return wrong;
  });
  const only = (digests: readonly Uint8Array[]) => {
    const [first] = digests;
    return blocks.length === 1 && first !== undefined ? Buffer.from(first).toString("hex") : null;
  };
  return {
    digest: only(told),
    ...(mismatches > 0 && blocks.length === 1 ? { expected: only(own) } : {}),
    blocks: blocks.length,
    mismatches,
    equal: mismatches === 0,
    durationMs: Math.round(performance.now() - startedMs),
    wireBytes: wire.sentBytes + wire.receivedBytes - before,
    simulated: device.info.simulated,
  };
}

/** Before a device is looked for: what was typed wrong is wrong without one. */
async function bytesOf({ config }: Context, text: string | undefined, { hex, file }: Options): Promise<Uint8Array> {
  const given = [text, hex, file].filter((value) => value !== undefined);
  if (given.length !== 1) throw new UsageError("USAGE_ARGUMENT", "give one of <text>, --hex and --file");
  const typed = hex === undefined ? Buffer.from(text ?? "", "utf8") : fromHex("--hex", hex);
  const bytes = file === undefined ? typed : await readNamedFile(file, config().ingest.maxFileBytes);
  if (bytes.length === 0) throw new UsageError("USAGE_ARGUMENT", "there is nothing to hash");
  return bytes;
}

function inBlocks(bytes: Uint8Array, sizeBytes: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / sizeBytes) }, (_, i) =>
    bytes.subarray(i * sizeBytes, (i + 1) * sizeBytes),
  );
}
