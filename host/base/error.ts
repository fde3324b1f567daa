/**
 * One error class a room, each with a table of stable codes.
 *
 * The code is for programs and log searches and never changes its meaning; the table says what the
 * person who meets it should do. `docs/errors.md` is generated from these tables.
 */

/** Code → one sentence that says what to do. */
export type ErrorTable = Readonly<Record<string, string>>;

export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  /** What to do about it: one sentence from the room's table. */
  readonly action: string;
  /** What happened, without code and action. */
  readonly detail: string;

  /** @param detail what happened, with the offending value, without a final full stop */
  constructor(code: Code, action: string, detail: string, options?: ErrorOptions) {
    super(`${detail} [${code}]. ${action}`, options);
    this.name = new.target.name;
    this.code = code;
    this.action = action;
    this.detail = detail;
  }
}

/** The error class of one room: `class RasterError extends codedErrors(RASTER_ERRORS) {}`. */
export function codedErrors<Table extends ErrorTable>(table: Table) {
  return class extends CodedError<keyof Table & string> {
    /** @param detail what happened, with the offending value, without a final full stop */
    constructor(code: keyof Table & string, detail: string, options?: ErrorOptions) {
      super(code, String(table[code]), detail, options);
    }
  };
}

/** The stable code of anything thrown: the coded error's own, the system's (`ENOENT`), or `INTERNAL`. */
export function errorCode(error: unknown): string {
  if (error instanceof CodedError) return error.code;
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return "INTERNAL";
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
