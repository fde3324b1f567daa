/** What a process did to its files, as shim.c has noted it. */

export type Operation =
  | { readonly kind: "write"; readonly file: string; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: "cut"; readonly file: string; readonly length: number }
  | { readonly kind: "create"; readonly file: string }
  | { readonly kind: "remove"; readonly file: string }
  | { readonly kind: "folder"; readonly file: string }
  | { readonly kind: "rename"; readonly file: string; readonly to: string }
  /** Of a file; of the folder where `file` is empty. */
  | { readonly kind: "sync"; readonly file: string }
  /** The process said something. */
  | { readonly kind: "said"; readonly text: string };

/** @throws Error where it is no such log */
export function readLog(log: Buffer): Operation[] {
  const operations: Operation[] = [];
  for (let at = 0; at < log.length; ) {
    const end = log.indexOf(0x0a, at);
    const [kind = "", offset = "", length = "", ...rest] = log.toString("utf8", at, end).split(" ");
    at = end + 1 + Number(length);
    operations.push(operationOf(kind, Number(offset), rest.join(" "), log.subarray(end + 1, at)));
  }
  return operations;
}

function operationOf(kind: string, offset: number, name: string, bytes: Buffer): Operation {
  const [file = "", to = ""] = name.split("\t");
  switch (kind) {
    case "W":
      return { kind: "write", file, at: offset, bytes };
    case "T":
      return { kind: "cut", file, length: offset };
    case "C":
      return { kind: "create", file };
    case "U":
      return { kind: "remove", file };
    case "F":
      return { kind: "folder", file };
    case "R":
      return { kind: "rename", file, to };
    case "S":
      return { kind: "sync", file };
    case "M":
      return { kind: "said", text: bytes.toString() };
    default:
      throw new Error(`a log with ${kind}`);
  }
}

/** Lines that the process said. */
export function linesOf(operations: readonly Operation[]): string[] {
  const text = operations.map((operation) => (operation.kind === "said" ? operation.text : "")).join("");
  return text.split("\n").filter((line) => line !== "");
}
