/** The vectors as the files that stand in `host/seal/vectors/`. */
import { commitmentVectors, receiptVectors, treeVectors } from "./vectors.ts";

const text = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** File name → text. */
export function vectorFiles(): ReadonlyMap<string, string> {
  return new Map([
    ["commitments.json", text(commitmentVectors())],
    ["trees.json", text(treeVectors())],
    ["receipts.json", text(receiptVectors())],
  ]);
}
