import type { Command } from "commander";
import { checkStoredLedger, type LedgerReport } from "../appliance/ledger-check.ts";
import type { Config } from "../config/schema.ts";
import { EMPTY_LEDGER, type LedgerOptions } from "../seal/ledger.ts";
import { decodeSeal } from "../seal/seal.ts";
import { action } from "./context.ts";
import { UsageError } from "./error.ts";
import { EXIT, examples } from "./output.ts";
import { type Progress, withBar } from "./progress.ts";
import { openStore, readStore } from "./store.ts";
import { trustedKeysIn } from "./trust.ts";

interface CheckOptions {
  readonly anchor?: readonly string[];
  readonly trust?: string;
}

const UNANCHORED =
  "No head of a seal that is kept elsewhere was given (--anchor). Whoever holds the signing key can cut the newest seals off, or work a\n" +
  "whole ledger anew, and this check would not see it. Keep heads elsewhere: subscribers of the seal messages have them.";

export function registerLedger(program: Command): void {
  const ledger = program
    .command("ledger")
    .description("the chain of all seals: each names the one before (docs/receipt.md); works while the appliance runs");
  registerHead(ledger);
  registerCheck(ledger);
}

function registerHead(ledger: Command): void {
  ledger
    .command("head")
    .summary("how many seals there are, and the newest: what is to be kept elsewhere")
    .description(
      "Prints how many seals there are, how many results wait, and the newest seal: its value is the ledger's head. " +
        "Keep heads elsewhere: `lv06 ledger check --anchor HEAD` holds the ledger to them.",
    )
    .addHelpText("after", examples("lv06 ledger head", "lv06 ledger head --json | jq -r .head >> heads.txt"))
    .action(
      action(({ config, output }) => {
        const { counts, newest } = readStore(config(), ({ seals }) => {
          const text = seals.newest()?.seal;
          const removedSeals = seals.base()?.seals ?? 0;
          return { counts: { ...seals.counts(), removedSeals }, newest: text == null ? null : decodeSeal(text) };
        });
        const document = {
          ...counts,
          head: newest?.sealedValue ?? EMPTY_LEDGER.head,
          utcMs: newest?.utcMs ?? null,
          appliance: newest?.appliance ?? null,
          publicKey: newest?.publicKey ?? null,
          simulated: newest?.device.simulated ?? null,
        };
        output.answer(document, () => [
          `${counts.seals} seals of ${counts.sealedResults} results; ${counts.waiting} results wait`,
          ...(counts.removedSeals === 0
            ? []
            : [`the oldest ${counts.removedSeals} seals were removed by the retention policy`]),
          `head  ${document.head}`,
          ...(newest === null
            ? ["nothing is sealed yet"]
            : [
                `time  ${new Date(newest.utcMs).toISOString()}${newest.device.simulated ? ", by a simulated device" : ""}`,
                `key   ${newest.publicKey} ${newest.appliance}`,
              ]),
        ]);
        return EXIT.done;
      }),
    );
}

function registerCheck(ledger: Command): void {
  ledger
    .command("check")
    .summary("check every seal, every batch and every stored result")
    .description(
      "Checks the chain of seals from the first on: form, order, signature and work of each. Then each batch against its " +
        "seal, and each stored result against what was signed: the first that is wrong is named. " +
        "Without a head that is kept elsewhere this does not protect from whoever holds the key: see docs/receipt.md.",
    )
    .option(
      "--anchor <head...>",
      "heads kept elsewhere, 64 hexadecimal digits each: every one must be in the chain (64 zeros are no anchor)",
    )
    .option("--trust <file>", "public keys that are trusted, one a line: every seal must be by one of them")
    .addHelpText(
      "after",
      `${examples("lv06 ledger check", "lv06 ledger check --trust keys.txt --anchor $(cat heads.txt)")}

Exit codes: 0 sound · 1 broken · 2 usage or configuration`,
    )
    .action(
      action(async ({ config, output }, { anchor = [], trust }: CheckOptions) => {
        const wrong = anchor.find((head) => !/^[0-9a-f]{64}$/.test(head));
        if (wrong !== undefined) throw new UsageError("USAGE_OPTION", `--anchor ${wrong} is not 64 hexadecimal digits`);
        // Every ledger goes through the empty one: that holds it to nothing.
        const anchors = anchor.filter((head) => head !== EMPTY_LEDGER.head);
        const options = {
          anchors,
          ...(trust === undefined ? {} : { trustedKeys: await trustedKeysIn(trust) }),
        };
        const report = await check(config(), options);
        const sound = report.chain.ok && report.fault === null;
        output.answer({ sound, anchors: anchors.length, ...report }, () => lines(report, anchors.length));
        return sound ? EXIT.done : EXIT.failed;
      }),
    );
}

async function check(config: Config, options: LedgerOptions): Promise<LedgerReport> {
  const reader = openStore(config);
  try {
    const { seals, sealedResults, waiting } = reader.seals.counts();
    const format = "{bar} {value}/{total} seals and results, {eta_formatted} to go";
    const work = async ({ update }: Progress) => checkStoredLedger(reader, options, update);
    return await withBar(seals + sealedResults + waiting, format, work);
  } finally {
    reader.close();
  }
}

function lines(
  { chain, fault, keys, checkedResults, prunedBatches, removedSeals }: LedgerReport,
  anchors: number,
): string[] {
  const { seals, results, head } = chain.head;
  return [
    `${seals} seals of ${results} results are sound; ${checkedResults} stored results are what was signed`,
    ...(removedSeals === 0
      ? []
      : [`of these the oldest ${removedSeals} were removed by the retention policy, and not checked`]),
    ...(prunedBatches === 0
      ? []
      : [`the results of ${prunedBatches} batches were removed by the retention policy; their seals are checked`]),
    `head  ${head}`,
    ...keys.map(({ publicKey, seals, simulatedSeals }) => {
      return `key   ${publicKey} (${seals} seals, ${simulatedSeals} of them by simulated devices)`;
    }),
    ...(chain.ok ? [] : [`BROKEN at seal ${chain.seal}, counted from 0: ${chain.fault}: ${chain.detail}`]),
    ...(fault === null ? [] : [`BROKEN in the store: ${placeOf(fault)}: ${fault.detail}`]),
    ...(chain.ok && fault === null ? ["the ledger is sound"] : ["the ledger is BROKEN"]),
    ...(anchors === 0 ? ["", UNANCHORED] : []),
  ];
}

function placeOf({ batch, resultId }: NonNullable<LedgerReport["fault"]>): string {
  const where = batch === null ? "waiting" : `batch ${batch}`;
  return resultId === null ? where : `result ${resultId} (${where})`;
}
