import { join } from "node:path";
import type { Command } from "commander";
import { RESULTS_FILE } from "../appliance/files.ts";
import { ResultReader } from "../store/reader.ts";
import { action, type Context } from "./context.ts";
import { UsageError } from "./error.ts";
import { EXIT, table } from "./output.ts";

export function registerResults(program: Command): void {
  const results = program.command("results").description("look stored results up; works while the appliance runs");
  results
    .command("ls")
    .description("the newest results")
    .option("--limit <n>", "how many, 1 to 10,000", "20")
    .action(
      action((context, { limit }: { readonly limit: string }) =>
        read(context, (reader) => {
          const found = reader.list({ limit: wholeNumber("--limit", limit, 10_000) });
          context.output.answer({ results: found.map(({ data }) => data) }, () =>
            table(
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
            ),
          );
          return EXIT.done;
        }),
      ),
    );
  results
    .command("show")
    .description("one result, whole")
    .argument("<id>", "result id")
    .action(
      action((context, id: string) =>
        read(context, (reader) => {
          const found = reader.get(id);
          if (found === undefined) {
            context.output.note(`no result has the id ${id}`);
            return EXIT.failed;
          }
          context.output.answer(found.data, () => [JSON.stringify(found.data, null, 2)]);
          return EXIT.done;
        }),
      ),
    );
  program
    .command("outbox")
    .description("messages that wait for the broker")
    .command("ls")
    .description("the oldest waiting messages")
    .option("--limit <n>", "how many, 1 to 10,000", "20")
    .action(
      action((context, { limit }: { readonly limit: string }) =>
        read(context, (reader) => {
          const counts = reader.outboxCounts();
          const rows = reader.outbox(wholeNumber("--limit", limit, 10_000)).map(({ payload, ...row }) => ({
            ...row,
            payloadBytes: payload.length,
          }));
          context.output.answer({ ...counts, messages: rows }, () => [
            `${counts.rows} messages wait, ${counts.bytes} bytes`,
            ...rows.map((row) => `${row.position}  ${row.topic}  ${row.payloadBytes} B  ${row.messageId}`),
          ]);
          return EXIT.done;
        }),
      ),
    );
}

function read<Value>({ config }: Context, work: (reader: ResultReader) => Value): Value {
  const reader = ResultReader.open(join(config().dataDir, RESULTS_FILE));
  try {
    return work(reader);
  } finally {
    reader.close();
  }
}

function wholeNumber(option: string, text: string, highest: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= highest) return value;
  throw new UsageError("USAGE_OPTION", `${option} ${text} is not a whole number from 1 to ${highest}`);
}

function field(data: object, name: string): unknown {
  return (data as Record<string, unknown>)[name];
}
