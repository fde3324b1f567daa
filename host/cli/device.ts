import type { Command } from "commander";
import { systemClock } from "../device/clock.ts";
import type { Device } from "../device/device.ts";
import { sha256, verifyDigests } from "../device/digest.ts";
import { encodeFrame } from "../device/link/frame.ts";
import { connectUsb } from "../device/usb/connect.ts";
import { findPorts } from "../device/usb/find.ts";
import { action, type Context } from "./context.ts";
import { UsageError } from "./error.ts";
import { readNamedFile } from "./files.ts";
import { EXIT, examples, table } from "./output.ts";

interface PortOption {
  readonly port?: string;
}

interface HashOptions {
  readonly hex?: string;
  readonly file?: string;
}

const PORT = ["--port <path>", "serial port (default: device.usb.path, else the first port that answers)"] as const;

export function registerDevice(program: Command): void {
  const device = program
    .command("device")
    .description("the hashing device on a serial line (direct-hash firmware; a model device says so)");
  registerList(device);
  registerInfo(device);
  registerHealth(device);
  registerHash(device);
  registerFrame(device);
}

function registerList(device: Command): void {
  device
    .command("list")
    .description("serial ports that may have a device behind them")
    .addHelpText("after", examples("lv06 device list"))
    .action(
      action(async ({ output }) => {
        const ports = await findPorts();
        output.answer({ ports }, () =>
          ports.length === 0
            ? ["no serial port was found"]
            : table(
                ["path", "port"],
                ports.map(({ path, port, stable }) => [path, stable ? port : "(name may change)"]),
              ),
        );
        return EXIT.done;
      }),
    );
}

function registerInfo(device: Command): void {
  device
    .command("info")
    .description("what the device says of itself")
    .option(...PORT)
    .addHelpText("after", examples("lv06 device info --port /dev/ttyACM0"))
    .action(
      action((context, options: PortOption) =>
        withDevice(context, options, async ({ kind, info }) => {
          const document = { kind, ...info, capabilities: [...info.capabilities] };
          context.output.answer(document, () => fields(document));
          return EXIT.done;
        }),
      ),
    );
}

function registerHealth(device: Command): void {
  device
    .command("health")
    .description("one reading of the device's sensors; what it does not know is absent")
    .option(...PORT)
    .addHelpText("after", examples("lv06 device health --port /dev/ttyACM0 --json"))
    .action(
      action((context, options: PortOption) =>
        withDevice(context, options, async (on) => {
          const document = { id: on.info.id, simulated: on.info.simulated, ...(await on.health()) };
          context.output.answer(document, () => fields(document));
          return EXIT.done;
        }),
      ),
    );
}

function registerHash(device: Command): void {
  device
    .command("hash")
    .summary("have the device hash bytes, and compare with this machine's own digest")
    .description(
      "Has the device compute SHA-256 and compares it with this machine's own digest.\n" +
        "It shows that device and line are sound. It says nothing about the ASIC, which cannot hash a block.",
    )
    .argument("[text]", "what to hash, as text")
    .option("--hex <bytes>", "what to hash, as hexadecimal digits")
    .option("--file <path>", "a file, in blocks of the device's largest size")
    .option(...PORT)
    .addHelpText("after", examples("lv06 device hash abc", "lv06 device hash --file film.jpeg --port /dev/ttyACM0"))
    .action(
      action(async (context, text: string | undefined, options: PortOption & HashOptions) => {
        const bytes = await bytesOf(context, text, options);
        return withDevice(context, options, async (on) => {
          const blocks = inBlocks(bytes, on.info.maxBlockBytes);
          const digests = blocks.map(sha256);
          const startedMs = performance.now();
          const { checked, mismatches } = await verifyDigests(on, blocks, digests);
          const durationMs = Math.round(performance.now() - startedMs);
          const equal = mismatches.length === 0;
          const [first] = digests;
          const digest = blocks.length === 1 && first !== undefined ? Buffer.from(first).toString("hex") : null;
          const document = {
            digest,
            blocks: checked,
            mismatches: mismatches.length,
            equal,
            durationMs,
            simulated: on.info.simulated,
          };
          context.output.answer(document, () => [
            ...(digest === null ? [] : [digest]),
            `${checked} blocks, ${mismatches.length} differ, ${durationMs} ms${on.info.simulated ? " (simulated device)" : ""}`,
          ]);
          return equal ? EXIT.done : EXIT.failed;
        });
      }),
    );
}

function registerFrame(device: Command): void {
  device
    .command("frame")
    .summary("make a frame by hand, to type or paste into a terminal")
    .argument("<verb>", "command, such as HELLO, PING or HASH")
    .argument("[args...]", "its arguments")
    .option("--seq <n>", "sequence number, 0 to 65535", "1")
    .addHelpText("after", examples("lv06 device frame HASH 616263 --seq 7"))
    .action(
      action(({ output }, verb: string, args: string[], { seq }: { readonly seq: string }) => {
        const frame = frameOf(seq, verb, args);
        output.answer({ frame }, () => [frame]);
        return EXIT.done;
      }),
    );
}

/** @throws UsageError */
function frameOf(seq: string, verb: string, args: readonly string[]): string {
  const number = Number(seq);
  if (!Number.isInteger(number) || number < 0 || number > 0xffff) {
    throw new UsageError("USAGE_OPTION", `--seq ${seq} is not a whole number from 0 to 65535`);
  }
  try {
    return Buffer.from(encodeFrame({ seq: number, verb, args }))
      .toString("latin1")
      .trimEnd();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError("USAGE_ARGUMENT", `no frame can carry the ${error.message}`, { cause: error });
  }
}

async function withDevice<Value>(context: Context, { port }: PortOption, work: (device: Device) => Promise<Value>) {
  const { usb } = context.config().device;
  const path = port ?? usb.path ?? "auto";
  const device = await connectUsb({ path, baud: usb.baud, clock: systemClock, random: Math.random });
  try {
    return await work(device);
  } finally {
    await device.close();
  }
}

/** Before a device is looked for: what was typed wrong is wrong without one. */
async function bytesOf({ config }: Context, text: string | undefined, { hex, file }: HashOptions): Promise<Uint8Array> {
  const given = [text, hex, file].filter((value) => value !== undefined);
  if (given.length !== 1) throw new UsageError("USAGE_ARGUMENT", "give one of <text>, --hex and --file");
  const typed = hex === undefined ? Buffer.from(text ?? "", "utf8") : fromHex(hex);
  const bytes = file === undefined ? typed : await readNamedFile(file, config().ingest.maxFileBytes);
  if (bytes.length === 0) throw new UsageError("USAGE_ARGUMENT", "there is nothing to hash");
  return bytes;
}

function fromHex(hex: string): Uint8Array {
  if (/^([0-9a-f]{2})*$/i.test(hex)) return Buffer.from(hex, "hex");
  throw new UsageError("USAGE_OPTION", `--hex ${hex} is not whole bytes in hexadecimal digits`);
}

function inBlocks(bytes: Uint8Array, sizeBytes: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / sizeBytes) }, (_, i) =>
    bytes.subarray(i * sizeBytes, (i + 1) * sizeBytes),
  );
}

function fields(document: object): string[] {
  const entries = Object.entries(document);
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${Array.isArray(value) ? value.join(", ") : value}`);
}
