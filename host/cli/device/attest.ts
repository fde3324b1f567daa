import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { errorCode } from "../../base/error.ts";
import { action } from "../context.ts";
import { UsageError } from "../error.ts";
import { EXIT, type ExitCode, examples } from "../output.ts";
import { onPort, type PortOptions, withDevice } from "./open.ts";
import { fromHex } from "./parse.ts";
import { fields, simulatedMark } from "./print.ts";

interface Options extends PortOptions {
  readonly commitment: string;
  readonly challenge: string;
  readonly keyFile?: string;
}

interface Question {
  readonly commitment: Buffer;
  readonly challenge: Buffer;
}

const KEY_BYTES = 32;
/** A file with the key in hex and a line feed is a little longer; anything much longer is no key. */
const KEY_FILE_BYTES_MAX = 1024;

export function registerAttest(device: Command): void {
  onPort(device.command("attest"))
    .summary("have the device sign 32 bytes with its key")
    .description(
      "Has the device compute an HMAC over a commitment and a challenge under the key in its fuses.\n" +
        "With the key it is verified: a holder of the key saw both during this boot. Who holds the key can forge it.",
    )
    .requiredOption("--commitment <hex>", "32 bytes as 64 hexadecimal digits")
    .option("--challenge <hex|random>", "32 bytes that whoever verifies has drawn at random", "random")
    .option("--key-file <file>", "the device's key, 32 bytes or 64 hexadecimal digits, to verify with")
    .addHelpText(
      "after",
      `${examples(
        "lv06 device attest --commitment $(sha256sum film.jpeg | cut -c1-64) --key-file device.key",
        "lv06 device attest --commitment HEX --challenge HEX --json",
      )}\n\nExit codes: 0 valid · 1 not valid · 3 not verified, for want of --key-file · 4 valid but simulated`,
    )
    .action(
      action(async (context, options: Options) => {
        const question = {
          commitment: fromHex("--commitment", options.commitment, 32),
          challenge: options.challenge === "random" ? randomBytes(32) : fromHex("--challenge", options.challenge, 32),
        };
        const key = options.keyFile === undefined ? undefined : await keyIn(options.keyFile);
        return withDevice(context, options, async ({ device: on, signal }) => {
          const { mac, bootId } = await on.attest(question.commitment, question.challenge, { signal });
          const valid = key === undefined ? null : timingSafeEqual(mac, expected(key, question, bootId));
          const { id, simulated } = on.info;
          const document = {
            id,
            commitment: question.commitment.toString("hex"),
            challenge: question.challenge.toString("hex"),
            bootId,
            mac: Buffer.from(mac).toString("hex"),
            valid,
            simulated,
          };
          context.output.answer(document, () => [...fields(document), "", verdict(valid) + simulatedMark(simulated)]);
          return exitOf(valid, simulated);
        });
      }),
    );
}

/** SPEC §5.7: `tag("lv06/attest/1") ‖ commitment ‖ challenge ‖ boot`, 84 bytes. */
function expected(key: Buffer, { commitment, challenge }: Question, bootId: string): Buffer {
  const tag = Buffer.alloc(16);
  tag.write("lv06/attest/1", "ascii");
  return createHmac("sha256", key)
    .update(Buffer.concat([tag, commitment, challenge, Buffer.from(bootId, "hex")]))
    .digest();
}

/** @throws UsageError */
async function keyIn(path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new UsageError("USAGE_OPTION", `--key-file ${path} cannot be read (${errorCode(error)})`, { cause: error });
  });
  if (bytes.length === KEY_BYTES) return bytes;
  const text = bytes.subarray(0, KEY_FILE_BYTES_MAX).toString("latin1").trim();
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, "hex");
  throw new UsageError("USAGE_OPTION", `--key-file ${path} is neither 32 bytes nor 64 hexadecimal digits`);
}

function verdict(valid: boolean | null): string {
  if (valid === null) return "not verified: give the device's key with --key-file";
  return valid ? "valid: a holder of the key saw commitment and challenge during this boot" : "NOT valid";
}

function exitOf(valid: boolean | null, simulated: boolean): ExitCode {
  if (valid === null) return EXIT.unknownSigner;
  if (!valid) return EXIT.failed;
  return simulated ? EXIT.simulated : EXIT.done;
}
