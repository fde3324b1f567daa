import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { systemClock } from "../device/clock.ts";
import type { Device } from "../device/device.ts";
import { sha256, verifyDigests } from "../device/digest.ts";
import { encodeFrame } from "../device/link/frame.ts";
import { connectUsb } from "../device/usb/connect.ts";
import { findPorts } from "../device/usb/find.ts";
import { action, type Context } from "./context.ts";
import { UsageError } from "./error.ts";
import { EXIT, table } from "./output.ts";

interface PortOption {
  readonly port?: string;
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
    .addHelpText(
      "after",
      "\nExamples:\n  lv06 device hash abc\n  lv06 device hash --file film.jpeg --port /dev/ttyACM0",
    )
    .action(
      action((context, text: string | undefined, options: PortOption & { hex?: string; file?: string }) =>
        withDevice(context, options, async (on) => {
          const bytes = await bytesOf(text, options);
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
        }),
      ),
    );
}

function registerFrame(device: Command): void {
  device
    .command("frame")
    .summary("make a frame by hand, to type or paste into a terminal")
    .argument("<verb>", "command, such as HELLO, PING or HASH")
    .argument("[args...]", "its arguments")
    .option("--seq <n>", "sequence number, 0 to 65535", "1")
    .addHelpText("after", "\nExample:\n  lv06 device frame HASH 616263 --seq 7")
    .action(
      action(({ output }, verb: string, args: string[], { seq }: { readonly seq: string }) => {
        const number = Number(seq);
        if (!Number.isInteger(number) || number < 0 || number > 0xffff) {
          throw new UsageError("USAGE_OPTION", `--seq ${seq} is not a whole number from 0 to 65535`);
        }
        const frame = Buffer.from(encodeFrame({ seq: number, verb, args }))
          .toString("latin1")
          .trimEnd();
        output.answer({ frame }, () => [frame]);
        return EXIT.done;
      }),
    );
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

async function bytesOf(text: string | undefined, options: { hex?: string; file?: string }): Promise<Uint8Array> {
  const given = [text, options.hex, options.file].filter((value) => value !== undefined);
  if (given.length !== 1) throw new UsageError("USAGE_OPTION", "give one of <text>, --hex and --file");
  if (options.file !== undefined) return readFile(options.file);
  if (options.hex === undefined) return Buffer.from(text ?? "", "utf8");
  if (!/^([0-9a-f]{2})+$/i.test(options.hex)) throw new UsageError("USAGE_OPTION", `--hex ${options.hex} is not bytes`);
  return Buffer.from(options.hex, "hex");
}

function inBlocks(bytes: Uint8Array, sizeBytes: number): Uint8Array[] {
  if (bytes.length === 0) throw new UsageError("USAGE_OPTION", "there is nothing to hash");
  return Array.from({ length: Math.ceil(bytes.length / sizeBytes) }, (_, i) =>
    bytes.subarray(i * sizeBytes, (i + 1) * sizeBytes),
  );
}

function fields(document: object): string[] {
  const entries = Object.entries(document);
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${Array.isArray(value) ? value.join(", ") : value}`);
}
