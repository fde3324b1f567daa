import type { Command } from "commander";
import { withRasteriser } from "../appliance/rasterise-once.ts";
import { isRefusal } from "../raster/error.ts";
import { fileDigest, rasterDigest } from "../raster/raster.ts";
import { type Check, MEANING } from "../seal/checks.ts";
import { RECEIPT_MAX_BYTES } from "../seal/receipt.ts";
import { type Verification, type VerifyOptions, verifyReceipt } from "../seal/verify.ts";
import { action, type Context } from "./context.ts";
import { UsageError } from "./error.ts";
import { readNamedFile } from "./files.ts";
import { examples } from "./output.ts";
import { readBounded, trustedKeysIn } from "./trust.ts";

interface Options {
  readonly image?: string;
  readonly trust?: string;
  readonly minDifficulty?: string;
}

export function registerVerify(program: Command): void {
  program
    .command("verify")
    .summary("verify a receipt offline: no device, no network, no store")
    .description(
      "Recomputes everything a receipt claims and prints each check with what it proves and what it does not. " +
        "The form of receipts, and how to write a verifier of your own: docs/receipt.md.",
    )
    .argument("<receipt>", "file with a receipt")
    .option("--image <file>", "the image, to compare its file and raster digests too")
    .option("--trust <file>", "public keys that are trusted, one a line: 64 hexadecimal digits and a name")
    .option("--min-difficulty <number>", "least difficulty of the work (default: 256; none for simulated devices)")
    .addHelpText(
      "after",
      `${examples("lv06 verify receipt.json --trust keys.txt", "lv06 verify receipt.json --image film.jpeg --json")}

Exit codes: 0 valid · 1 invalid · 2 usage or configuration
3 valid, signer unknown · 4 valid, simulated · 6 the image cannot be read`,
    )
    .action(
      action(async (context, path: string, options: Options) => {
        const receipt = await readBounded(path, RECEIPT_MAX_BYTES);
        const image = options.image === undefined ? undefined : await imageAt(context, options.image);
        const verified = verifyReceipt(receipt, {
          trustedKeys: options.trust === undefined ? new Map() : await trustedKeysIn(options.trust),
          ...(options.minDifficulty === undefined ? {} : { minDifficulty: minimum(options.minDifficulty) }),
          ...image?.digests,
        });
        const verification = withReason(verified, image?.noRaster);
        const { checks, exitCode } = verification;
        context.output.answer({ receipt: path, exitCode, checks: checks.map(explained) }, () => lines(verification));
        return exitCode;
      }),
    );
}

function minimum(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 2 ** 208) return value;
  throw new UsageError("USAGE_OPTION", `--min-difficulty ${text} is not a number from 0 to 2^208`);
}

interface Image {
  readonly digests: Pick<VerifyOptions, "fileDigest" | "rasterDigest">;
  /** Why there is no raster to compare. */
  readonly noRaster?: string;
}

/** What is no image can still be compared as a file: then the raster is not. */
async function imageAt({ config }: Context, path: string): Promise<Image> {
  const settings = config();
  const bytes = await readNamedFile(path, settings.ingest.maxFileBytes);
  const hex = (digest: string) => Buffer.from(digest, "hex");
  const digests = { fileDigest: hex(fileDigest(bytes)) };
  try {
    const { raster } = await withRasteriser(settings, (rasteriser) => rasteriser.rasterise(bytes));
    return { digests: { ...digests, rasterDigest: hex(rasterDigest(raster)) } };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { digests, noRaster: error.message };
  }
}

function withReason(verification: Verification, noRaster: string | undefined): Verification {
  if (noRaster === undefined || verification.receipt === null) return verification;
  const detail = `The image gives no raster: ${noRaster}`;
  const checks = verification.checks.map((check) => (check.name === "raster" ? { ...check, detail } : check));
  return { ...verification, checks };
}

function explained(check: Check) {
  return { ...check, ...(check.verdict === "skipped" ? {} : MEANING[check.name]) };
}

function lines({ checks, exitCode }: Verification): string[] {
  const shown = checks.flatMap(({ name, verdict, detail }) => [
    `${verdict.padEnd(10)}${name.padEnd(16)}${detail}`,
    ...(verdict === "passed" ? [`${" ".repeat(26)}shows: ${MEANING[name].proves} Not: ${MEANING[name].not}`] : []),
  ]);
  const verdicts: Readonly<Record<number, string>> = {
    0: "valid",
    1: "INVALID",
    3: "valid, but the signer is not among the trusted keys",
    4: "valid, but simulated",
  };
  return [...shown, "", `the receipt is ${verdicts[exitCode] ?? `judged with exit code ${exitCode}`}`];
}
