import type { Command } from "commander";
import { askAppliance } from "./ask.ts";
import { action } from "./context.ts";
import { EXIT, examples } from "./output.ts";
import { LIMIT, limitOf, readStore } from "./store.ts";

interface LsOptions {
  readonly limit: string;
  readonly parked?: true;
}

export function registerOutbox(program: Command): void {
  const outbox = program.command("outbox").description("messages that wait for the broker");
  registerLs(outbox);
  registerRetry(outbox);
}

function registerLs(outbox: Command): void {
  outbox
    .command("ls")
    .description("the oldest waiting messages; with --parked, those that were set aside")
    .option(...LIMIT)
    .option("--parked", "those that the broker can never take, with what is against them")
    .addHelpText("after", examples("lv06 outbox ls --limit 5", "lv06 outbox ls --parked"))
    .action(
      action((context, options: LsOptions) => {
        const limit = limitOf(options);
        const { counts, messages } = readStore(context.config(), (reader) => ({
          counts: reader.outboxCounts(),
          messages: options.parked ? reader.parked(limit) : reader.waiting(limit),
        }));
        context.output.answer({ ...counts, messages }, () => [
          `${counts.rows} messages wait, ${counts.bytes} bytes`,
          ...messages.map((row) =>
            [
              `${row.position}  ${row.topic}  ${row.payloadBytes} B  ${row.messageId}`,
              ...("parkedCode" in row ? [row.parkedCode] : []),
            ].join("  "),
          ),
        ]);
        return EXIT.done;
      }),
    );
}

function registerRetry(outbox: Command): void {
  outbox
    .command("retry")
    .description(
      "Has the running appliance, asked over its broker, publish what was set aside: after a limit of the broker was\n" +
        "raised, say. What the broker refuses again is set aside again.",
    )
    .summary("publish what was set aside")
    .addHelpText("after", examples("lv06 outbox retry"))
    .action(
      action(async ({ config, output }) => {
        const { retry } = await askAppliance(config(), "retry", {});
        output.answer(retry, () => [`${retry?.messages} messages are tried again`]);
        return EXIT.done;
      }),
    );
}
