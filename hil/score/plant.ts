/** Puts a mutant's defect into a copy of the sources. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "../../host/base/error.ts";
import { recordingPath } from "../recording/files.ts";
import { ScoreError } from "./error.ts";
import { isTextEdits, type Mutant, type TextEdit } from "./mutant.ts";
import { editRecording, LV06_SHARES, type RecordingEdit } from "./recording-edits.ts";

/** @param root of the copy @throws ScoreError SCORE_STALE */
export function plant(root: string, { id, edits }: Mutant): void {
  if (!isTextEdits(edits)) plantRecording(root, id, edits);
  else for (const [file, text] of editedTexts(root, id, edits)) replaceFile(join(root, file), text);
}

/** What the files of `edits` hold afterwards. @throws ScoreError SCORE_STALE */
export function editedTexts(root: string, id: string, edits: readonly TextEdit[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const { file, from, to } of edits) {
    const text = texts.get(file) ?? textOf(root, file, id);
    const parts = text.split(from);
    if (parts.length !== 2) {
      throw new ScoreError("SCORE_STALE", `${id}: ${file} holds ${parts.length - 1} times ${JSON.stringify(from)}`);
    }
    texts.set(file, parts.join(to));
  }
  return texts;
}

function textOf(root: string, file: string, id: string): string {
  try {
    return readFileSync(join(root, file), "utf8");
  } catch (error) {
    throw new ScoreError("SCORE_STALE", `${id}: ${errorMessage(error)}`, { cause: error });
  }
}

function plantRecording(root: string, id: string, edit: RecordingEdit): void {
  const folder = join(root, "hil/recordings");
  const path = edit.of === "lv06-shares" ? join(folder, LV06_SHARES) : recordingPath(folder, edit.transport, edit.of);
  let edited: Uint8Array | undefined;
  try {
    edited = editRecording(readFileSync(path), edit);
  } catch (error) {
    throw new ScoreError("SCORE_STALE", `${id}: ${errorMessage(error)}`, { cause: error });
  }
  if (edited === undefined) throw new ScoreError("SCORE_STALE", `${id}: ${path} holds nothing to ${edit.edit}`);
  replaceFile(path, edited);
}

/** Never in place: the file may be shared with the copy that this one was made of. */
function replaceFile(path: string, contents: string | Uint8Array): void {
  rmSync(path, { force: true });
  writeFileSync(path, contents);
}
