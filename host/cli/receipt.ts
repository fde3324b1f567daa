import type { Command } from "commander";
import { receiptOf } from "../appliance/receipts.ts";
import { encodeReceipt, type Receipt } from "../seal/receipt.ts";
import { action } from "./context.ts";
import { UsageError } from "./error.ts";
import { writeNamedFile } from "./files.ts";
import { EXIT, examples } from "./output.ts";
import { readStore } from "./store.ts";

interface Options {
  readonly out?: string;
  readonly force?: true;
}

export function registerReceipt(program: Command): void {
  program
    .command("receipt")
    .summary("the receipt of a sealed result, for others to verify")
    .description(
      "Prints a result's receipt: who signed it, its batch, and the work that seals it. Works while the appliance runs. " +
        "Whoever has the receipt can verify it with no device, network or database: lv06 verify. " +
        "It is one JSON document in its only spelling (docs/receipt.md): --json changes nothing about it.",
    )
    .argument("<id>", "result id")
    .option("--out <file>", "write it there, byte for byte, instead of printing it")
    .option("--force", "replace the file that --out names")
    .addHelpText(
      "after",
      `${examples(
        "lv06 receipt 5b0f6f0e-3c1e-4d38-9d0e-0d5f2f6f7c11 --out receipt.json",
        "lv06 receipt 5b0f6f0e-3c1e-4d38-9d0e-0d5f2f6f7c11 | lv06 verify /dev/stdin --trust keys.txt",
      )}

Exit codes: 0 done · 1 there is no such result, or it is not sealed yet`,
    )
    .action(
      action(async ({ config, output }, id: string, { out, force }: Options) => {
        if (force && out === undefined)
          throw new UsageError("USAGE_OPTION", "--force is for the file that --out names");
        const receipt = readStore(config(), (reader) => receiptOf(reader, id));
        const bytes = encodeReceipt(receipt);
        if (out === undefined) {
          output.document(bytes.toString());
          return EXIT.done;
        }
        await writeNamedFile("--out", out, bytes, force === true);
        output.answer({ resultId: id, out, ...about(receipt) }, () => lines(out, receipt));
        return EXIT.done;
      }),
    );
}

function about({ result, seal }: Receipt) {
  const simulated = result.simulated || seal.device.simulated;
  return { sealedValue: seal.sealedValue, sealedUtcMs: seal.utcMs, publicKey: seal.publicKey, simulated };
}

function lines(out: string, receipt: Receipt): string[] {
  const { inclusion, seal } = receipt;
  const { simulated } = about(receipt);
  return [
    `${out}: number ${inclusion.index} of ${seal.size}, counted from 0, sealed ${new Date(seal.utcMs).toISOString()}` +
      ` by ${seal.device.kind} ${seal.device.name}, difficulty ${seal.difficulty}${simulated ? "; simulated" : ""}`,
    `signed by ${seal.publicKey} ${seal.appliance}`,
  ];
}
