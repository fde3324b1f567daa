import { codedErrors } from "../base/error.ts";

export const INGEST_ERRORS = {
  INGEST_CHANGED: "The file was changed while it was read: put it in by renaming, when it is complete.",
  INGEST_DUPLICATE:
    "Nothing is to be done: a file with the same bytes has its result, and ingest.duplicates says that such a one is skipped.",
  INGEST_FOLDER: "Put image files straight into the inbox: folders are not searched.",
  INGEST_INBOX: "Make the inbox a folder that the appliance may read, write and rename in.",
  INGEST_LINK: "Put the file itself into the inbox: links are not followed.",
  INGEST_METADATA:
    "Put age, view, modality and bodyPart and nothing else into the .json file beside the image (docs/guide.md), and send both again.",
  INGEST_METADATA_ALONE:
    "Name it like its image with .json behind it, put it in before the image, and send both again: an image may have gone without it.",
  INGEST_MISSING: "Check the name, and that the appliance's user may read it.",
  INGEST_SPECIAL: "Only regular files can be images.",
  INGEST_TOO_LARGE: "Send a smaller file, or raise ingest.maxFileBytes.",
} as const;

export type IngestCode = keyof typeof INGEST_ERRORS;

export class IngestError extends codedErrors(INGEST_ERRORS) {}
