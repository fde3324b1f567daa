import type { Command } from "commander";
import { noResult } from "../appliance/receipts.ts";
import { COMMANDS } from "../mqtt/commands.ts";
import type { OnUnopened, ResultReader } from "../store/reader.ts";
import type { ResultHead, StoredResult } from "../store/schema.ts";
import { askAppliance } from "./ask.ts";
import { action, type Context } from "./context.ts";
import { UsageError } from "./error.ts";
import { EXIT, type ExitCode, examples, table } from "./output.ts";
import { LIMIT, limitOf, readStore, wholeNumber } from "./store.ts";

type Search = (reader: ResultReader, onUnopened: OnUnopened<ResultHead>) => StoredResult[];

interface FindOptions {
  readonly digest?: string;
  readonly limit: string;
}

export function registerResults(program: Command): void {
  const results = program.command("results").description("look stored results up; works while the appliance runs");
  registerLs(results);
  registerFind(results);
  registerShow(results);
  registerVoid(results);
  registerResend(results);
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
        return answer(context, (reader, onUnopened) =>
          from === undefined ? reader.list({ limit }, onUnopened) : reader.listFrom(from, limit, onUnopened),
        );
      }),
    );
}

function registerFind(results: Command): void {
  results
    .command("find")
    .description(
      "the results that carry your own reference (of an inbox file, that is its name), or the code that was published in its place; or those of one file. Newest first",
    )
    .argument("[reference]", "the reference, or its code, whole")
    .option("--digest <sha256>", "those of the file with this SHA-256, 64 hexadecimal digits")
    .option(...LIMIT)
    .addHelpText(
      "after",
      examples("lv06 results find film.jpeg", "lv06 results find --digest $(sha256sum film.jpeg | cut -c1-64)"),
    )
    .action(
      action((context, reference: string | undefined, options: FindOptions) => {
        return answer(context, searchOf(reference, options));
      }),
    );
}

/** @throws UsageError USAGE_OPTION */
function searchOf(reference: string | undefined, options: FindOptions): Search {
  const limit = limitOf(options);
  const { digest } = options;
  if (reference !== undefined && digest === undefined) {
    return (reader, onUnopened) => reader.findByReference(reference, limit, onUnopened);
  }
  if (digest === undefined || reference !== undefined) {
    throw new UsageError("USAGE_OPTION", "either a reference or --digest is needed, and not both");
  }
  if (!/^[0-9a-f]{64}$/i.test(digest)) {
    throw new UsageError("USAGE_OPTION", `--digest ${digest} is not 64 hexadecimal digits`);
  }
  return (reader, onUnopened) => reader.findByFile(digest.toLowerCase(), limit, onUnopened);
}

/** Those that open; what does not is named beside them, and the command has failed. */
function answer(context: Context, search: Search): ExitCode {
  const unopened: (ResultHead & { readonly code: string })[] = [];
  const { found, replaced } = readStore(context.config(), (reader) => {
    const found = search(reader, (head, code) => unopened.push({ ...head, code }));
    const replaced = found.filter(({ resultId }) => reader.isReplaced(resultId));
    return { found, replaced: new Set(replaced.map(({ resultId }) => resultId)) };
  });
  const damaged = unopened.length === 0 ? {} : { unopened };
  context.output.answer({ results: found.map(({ data }) => data), ...damaged }, () => lines(found, replaced));
  for (const { sequence, resultId, code } of unopened) {
    context.output.note(`result ${sequence} (${resultId}) does not open [${code}]`);
  }
  return unopened.length === 0 ? EXIT.done : EXIT.failed;
}

function registerShow(results: Command): void {
  results
    .command("show")
    .description("one result, whole")
    .argument("<id>", "result id")
    .addHelpText("after", examples("lv06 results show 5b0f6f0e-3c1e-4d38-9d0e-0d5f2f6f7c11"))
    .action(
      action((context, id: string) => {
        const { found, successor } = readStore(context.config(), (reader) => {
          const found = reader.get(id);
          if (found === undefined) throw noResult(reader, id);
          return { found, successor: reader.replacedBy(id) };
        });
        context.output.answer(found.data, () => [
          ...(successor === undefined ? [] : [`REPLACED by ${successor.resultId} (${successor.status})`]),
          JSON.stringify(found.data, null, 2),
        ]);
        return EXIT.done;
      }),
    );
}

function registerVoid(results: Command): void {
  results
    .command("void")
    .description(
      "Says of a result that it was entered in error. The running appliance, asked over its broker, publishes a result\n" +
        "of its own that says so; what was stored stays as it is.",
    )
    .summary("say that a result was entered in error")
    .argument("<id>", "result id")
    .requiredOption("--reason <code>", "why, as a code of A–Z, 0–9 and _ that is published: no names")
    .addHelpText("after", examples("lv06 results void 5b0f6f0e-3c1e-4d38-9d0e-0d5f2f6f7c11 --reason WRONG_PATIENT"))
    .action(
      action(async ({ config, output }, resultId: string, { reason }: { readonly reason: string }) => {
        const asked = COMMANDS.void.pick({ resultId: true, reason: true }).safeParse({ resultId, reason });
        if (!asked.success) {
          throw new UsageError("USAGE_OPTION", "the id or --reason has another form than ids and codes have");
        }
        const reply = await askAppliance(config(), "void", asked.data);
        output.answer(reply.void, () => [`result ${reply.void?.sequence} (${reply.void?.resultId}) says so`]);
        return EXIT.done;
      }),
    );
}

function registerResend(results: Command): void {
  results
    .command("resend")
    .description(
      "Has the running appliance, asked over its broker, publish results once more, under the ids that they always had.",
    )
    .requiredOption("--from <sequence>", "beginning with this sequence number")
    .option("--limit <n>", "how many at most, 1 to 1,000", "1000")
    .addHelpText("after", examples("lv06 results resend --from 1042"))
    .action(
      action(async ({ config, output }, options: { readonly from: string; readonly limit: string }) => {
        const from = wholeNumber("--from", options.from, Number.MAX_SAFE_INTEGER);
        const limit = wholeNumber("--limit", options.limit, 1000);
        const { resend } = await askAppliance(config(), "resend", { from, limit });
        output.answer(resend, () => [
          `${resend?.sent} results are published again, from number ${resend?.firstAvailable} on`,
          ...(resend?.next == null ? [] : [`there are more: --from ${resend.next}`]),
        ]);
        return EXIT.done;
      }),
    );
}

function lines(found: readonly StoredResult[], replaced: ReadonlySet<string>): string[] {
  return table(
    ["sequence", "time (UTC)", "reference", "probability", "decision", "status", "cached", "result id"],
    found.map(({ sequence, utcMs, reference, status, resultId, data }) => [
      String(sequence),
      new Date(utcMs).toISOString().slice(0, 19),
      reference ?? "",
      String(field(data, "probability") ?? "not assessed"),
      String(field(data, "decision") ?? ""),
      replaced.has(resultId) ? "replaced" : status,
      field(data, "cached") === true ? "yes" : "no",
      resultId,
    ]),
  );
}

function field(data: object, name: string): unknown {
  return (data as Record<string, unknown>)[name];
}
