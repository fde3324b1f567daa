import type { Command } from "commander";
import { action } from "./context.ts";
import { EXIT, examples } from "./output.ts";
import { LIMIT, limitOf, readStore } from "./store.ts";

export function registerOutbox(program: Command): void {
  program
    .command("outbox")
    .description("messages that wait for the broker")
    .command("ls")
    .description("the oldest waiting messages")
    .option(...LIMIT)
    .addHelpText("after", examples("lv06 outbox ls --limit 5"))
    .action(
      action((context, options: { readonly limit: string }) => {
        const limit = limitOf(options);
        const { counts, messages } = readStore(context.config(), (reader) => ({
          counts: reader.outboxCounts(),
          messages: reader.waiting(limit),
        }));
        context.output.answer({ ...counts, messages }, () => [
          `${counts.rows} messages wait, ${counts.bytes} bytes`,
          ...messages.map((row) => `${row.position}  ${row.topic}  ${row.payloadBytes} B  ${row.messageId}`),
        ]);
        return EXIT.done;
      }),
    );
}
