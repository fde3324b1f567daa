/** What a command says, and how it ends. Answers go to stdout, everything else to stderr, but for the log of `run`. */
import { CodedError, errorCode, errorMessage } from "../base/error.ts";

/** One table for all commands (DESIGN §6); where several hold, the lowest non-zero. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  unknownSigner: 3,
  simulated: 4,
  deviceAbsent: 5,
  refused: 6,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export class Output {
  readonly json: boolean;

  constructor(json: boolean) {
    this.json = json;
  }

  /** The one answer of a command: a JSON document, or the lines for a person. */
  answer(document: unknown, lines: () => readonly string[]): void {
    const text = this.json ? JSON.stringify(document, null, 2) : lines().join("\n");
    process.stdout.write(`${text}\n`);
  }

  /** An answer that is one JSON document as it is, letter by letter: with --json and without. */
  document(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** A remark for the person at the terminal, never part of the answer. */
  note(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  /** An error that ends the command. With --json it is the answer. */
  failure(error: unknown): void {
    if (this.json) {
      this.answer({ error: describe(error) }, () => []);
    } else {
      this.note(
        error instanceof CodedError ? `error: ${error.message}` : `error: ${errorMessage(error)} [${errorCode(error)}]`,
      );
    }
  }
}

export function describe(error: unknown): { code: string; message: string; action: string | null } {
  return {
    code: errorCode(error),
    message: error instanceof CodedError ? error.detail : errorMessage(error),
    action: error instanceof CodedError ? error.action : null,
  };
}

/** The end of a command's help. */
export function examples(...lines: readonly [string, ...string[]]): string {
  return ["", lines.length === 1 ? "Example:" : "Examples:", ...lines.map((line) => `  ${line}`)].join("\n");
}

/** Columns as wide as their widest cell, two spaces apart; numbers are cells that begin with a digit. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)));
  const isNumber = head.map((_, column) => rows.every((row) => /^[-\d.]*$/.test(row[column] ?? "")));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (isNumber[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  return [line(head), line(widths.map((width) => "─".repeat(width))), ...rows.map(line)];
}

export function lowestExit(codes: readonly ExitCode[]): ExitCode {
  const bad = codes.filter((code) => code !== EXIT.done).sort((a, b) => a - b);
  return bad[0] ?? EXIT.done;
}
