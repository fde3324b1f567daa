import { codedErrors } from "../../base/error.ts";

/** Why a command could not be carried out, where none of the parts that it needs says so itself. */
export const REQUEST_ERRORS = {
  RESEND_CROWDED:
    "Ask again later: half of the outbox is taken by what waits for the broker, and new results need the rest.",
  HEALTH_NOT_YET: "Ask again in a moment: the appliance has just started.",
  INFER_PATH: "Name a file itself, whole, below a folder of ingest.allowedDirs: links are not followed.",
  INFER_OFF: "Set mqtt.inferMaxBytes to have images taken that a command brings along, or name one by its path.",
  INFER_TOO_LARGE:
    "Send a smaller image, or raise the limit: mqtt.inferMaxBytes, or ingest.maxFileBytes for one named by its path.",
  INFER_STATED: "Say of the image what docs/guide.md has under what is known of a film, and nothing else.",
  INFER_REFUSED: "Send another image: this one will be refused again, for the reason that the first code names.",
  INFER_UNAVAILABLE:
    "Send it again later, with another id: the appliance cannot serve it now, for the reason that the first code names.",
  RESULT_REPLACED: "Name the result that stands in for it now, or let it be.",
  VOID_TWICE: "Nothing is to be done: it says so already.",
} as const;

export class RequestError extends codedErrors(REQUEST_ERRORS) {}
