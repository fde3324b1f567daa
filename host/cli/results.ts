import type { Command } from "commander";
import { ReceiptError } from "../appliance/receipts.ts";
import type { ResultReader } from "../store/reader.ts";
import { action } from "./context.ts";
import { EXIT, examples, table } from "./output.ts";
import { LIMIT, limitOf, readStore, wholeNumber } from "./store.ts";

export function registerResults(program: Command): void {
  const results = program.command("results").description("look stored results up; works while the appliance runs");
  registerLs(results);
  registerFind(results);
  registerShow(results);
}

function registerLs(results: Command): void {
  results
    .command("ls")
    .description("the newest results; with --from, the ones that a subscriber missed")
    .option(...LIMIT)
    .option("--from <sequence>", "oldest first, beginning with this sequence number")
    .addHelpText("after", examples("lv06 results ls --limit 5", "lv06 results ls --from 1042 --json"))
    .action(
      action((context, options: { readonly limit: string; readonly from?: string }) => {
        const limit = limitOf(options);
        const from =
          options.from === undefined ? undefined : wholeNumber("--from", options.from, Number.MAX_SAFE_INTEGER);
        const found = readStore(context.config(), (reader) =>
          from === undefined ? reader.list({ limit }) : reader.listFrom(from, limit),
        );
        context.output.answer({ results: found.map(({ data }) => data) }, () => lines(found));
        return EXIT.done;
      }),
    );
}

function registerFind(results: Command): void {
  results
    .command("find")
    .description("the results that carry your own reference, newest first; of an inbox file, that is its name")
    .argument("<reference>", "the reference, whole")
    .option(...LIMIT)
    .addHelpText("after", examples("lv06 results find film.jpeg"))
    .action(
      action((context, reference: string, options: { readonly limit: string }) => {
        const limit = limitOf(options);
        const found = readStore(context.config(), (reader) => reader.findByReference(reference, limit));
        context.output.answer({ results: found.map(({ data }) => data) }, () => lines(found));
        return EXIT.done;
      }),
    );
}

function registerShow(results: Command): void {
  results
    .command("show")
    .description("one result, whole")
    .argument("<id>", "result id")
    .addHelpText("after", examples("lv06 results show 5b0f6f0e-3c1e-4d38-9d0e-0d5f2f6f7c11"))
    .action(
      action((context, id: string) => {
        const found = readStore(context.config(), (reader) => reader.get(id));
        if (found === undefined) throw new ReceiptError("RESULT_MISSING", `no result has the id ${id}`);
        context.output.answer(found.data, () => [JSON.stringify(found.data, null, 2)]);
        return EXIT.done;
      }),
    );
}

function lines(found: ReturnType<ResultReader["list"]>): string[] {
  return table(
    ["sequence", "time (UTC)", "reference", "probability", "decision", "cached", "result id"],
    found.map(({ sequence, utcMs, reference, resultId, data }) => [
      String(sequence),
      new Date(utcMs).toISOString().slice(0, 19),
      reference ?? "",
      String(field(data, "probability") ?? "not assessed"),
      String(field(data, "decision") ?? ""),
      field(data, "cached") === true ? "yes" : "no",
      resultId,
    ]),
  );
}

function field(data: object, name: string): unknown {
  return (data as Record<string, unknown>)[name];
}
