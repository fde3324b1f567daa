import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { errorCode } from "../../base/error.ts";
import { encodeFrame, type Frame, type LinkEvent, parseLine } from "../../device/link/frame.ts";
import { action } from "../context.ts";
import { UsageError } from "../error.ts";
import { EXIT, examples } from "../output.ts";
import { explain } from "./explain.ts";
import { fromHex, fromNumber } from "./parse.ts";

interface Options {
  readonly seq: string;
  readonly payloadHex?: string;
  readonly payloadFile?: string;
  readonly decode?: string;
  readonly bytes?: true;
}

/** The longest line that the protocol knows, and the most that is read to be explained. */
const LINE_BYTES_MAX = 65_536;

export function registerFrame(device: Command): void {
  device
    .command("frame")
    .summary("make a frame by hand, to type or paste into a terminal; or explain one")
    .description(
      "Makes a line of the direct-hash protocol by hand, to type or paste into a terminal, or explains one.\n" +
        "Bytes of a payload that cannot be printed are shown as \\xHH; --bytes writes the line as it is sent.",
    )
    .argument("[verb]", "command, such as HELLO, PING or HASH")
    .argument("[args...]", "its arguments")
    .option("--seq <n>", "sequence number, 0 to 65535", "1")
    .option("--payload-hex <hex>", "payload, as hexadecimal digits")
    .option("--payload-file <file>", "payload, from a file")
    .option("--bytes", "write the line's bytes as they are, line feed included")
    .option("--decode <line>", "explain this line instead, with \\xHH for what cannot be typed; - reads it from stdin")
    .addHelpText(
      "after",
      examples(
        "lv06 device frame HASH 616263 --seq 7",
        "lv06 device frame BATCH 2 root --payload-hex 00ff0a0d --bytes > /dev/ttyACM0",
        "lv06 device frame --decode '~0007 HASH 616263 bef5bf2d'",
      ),
    )
    .action(
      action(async ({ output }, verb: string | undefined, args: string[], options: Options) => {
        if (options.decode !== undefined) {
          if (verb !== undefined) throw new UsageError("USAGE_ARGUMENT", "--decode takes a line, and no verb");
          const event = parseLine(await lineOf(options.decode));
          if (event === undefined) throw new UsageError("USAGE_OPTION", "--decode was given an empty line");
          output.answer(documentOf(event), () => explain(event));
          return event.kind === "frame" ? EXIT.done : EXIT.failed;
        }
        if (verb === undefined) throw new UsageError("USAGE_ARGUMENT", "give a verb, or --decode a line");
        const line = encoded({
          seq: fromNumber("--seq", options.seq, 0, 0xffff),
          verb,
          args,
          ...(await payloadOf(options)),
        });
        if (options.bytes && !output.json) process.stdout.write(line);
        else {
          const frame = shown(line.subarray(0, -1));
          output.answer({ frame, hex: line.toString("hex"), bytes: line.length }, () => [frame]);
        }
        return EXIT.done;
      }),
    );
}

/** @throws UsageError */
function encoded(frame: Frame): Buffer {
  try {
    return encodeFrame(frame);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError("USAGE_ARGUMENT", `no frame can carry the ${error.message}`, { cause: error });
  }
}

async function payloadOf({ payloadHex, payloadFile }: Options): Promise<{ payload?: Uint8Array }> {
  if (payloadHex === undefined && payloadFile === undefined) return {};
  if (payloadHex !== undefined && payloadFile !== undefined) {
    throw new UsageError("USAGE_OPTION", "give one of --payload-hex and --payload-file");
  }
  const payload = payloadFile === undefined ? fromHex("--payload-hex", payloadHex ?? "") : await fileBytes(payloadFile);
  if (payload.length === 0) throw new UsageError("USAGE_OPTION", "a payload has at least one byte");
  return { payload };
}

async function fileBytes(path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new UsageError("USAGE_OPTION", `--payload-file ${path} cannot be read (${errorCode(error)})`, {
      cause: error,
    });
  });
  if (bytes.length > LINE_BYTES_MAX) {
    throw new UsageError("USAGE_OPTION", `--payload-file ${path} has more than ${LINE_BYTES_MAX} bytes`);
  }
  return bytes;
}

/** The line without its line feed: what was typed, or what stands in the input up to there. */
async function lineOf(text: string): Promise<Buffer> {
  const bytes = text === "-" ? await standardInput() : unescaped(text);
  const end = bytes.indexOf(0x0a);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

async function standardInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (chunk.includes(0x0a) || size > LINE_BYTES_MAX) break;
  }
  return Buffer.concat(chunks);
}

/** What `shown` shows, as bytes. */
export function unescaped(text: string): Buffer {
  const latin1 = text.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(latin1, "latin1");
}

/** As the specification's examples show lines: what cannot be printed as `\xHH`, and so a backslash. */
export function shown(line: Buffer): string {
  return line.toString("latin1").replace(/[^\x20-\x7e]|\\(?=x)/g, (byte) => {
    return `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

function documentOf(event: LinkEvent): object {
  if (event.kind !== "frame") return event;
  const { payload, ...frame } = event.frame;
  return {
    kind: event.kind,
    ...frame,
    payloadHex: payload === undefined ? null : Buffer.from(payload).toString("hex"),
  };
}
