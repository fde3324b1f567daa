import { codedErrors } from "../base/error.ts";

export const STORE_ERRORS = {
  STORE_DAMAGED:
    "Nothing was deleted: the appliance sets the file aside at its next start and saves what can be read of it; `lv06 store check` says what is wrong, and docs/operations.md what to do.",
  STORE_DAMAGED_AGAIN:
    "The disk damages what is written to it: check it, or use another one; then move the files results.db.damaged-* elsewhere, and the appliance saves once more what can be saved.",
  STORE_SALVAGE:
    "Name a database that is there and that no appliance uses, and a file to write that is not there yet, in a folder that this user may write to.",
  STORE_OLDER: "An older version of the appliance wrote this file: start this one once, and it brings it up to date.",
  STORE_NEWER: "A newer version of the appliance wrote this file: run that version, or restore a backup.",
  STORE_LEAP:
    "An older, a saved or an empty results.db stands in the place of the latest: its results go on above every number that was given, and subscribers see a gap. Nothing is to be done where you restored it.",
  STORE_OPEN: "Check that the data folder exists and that the appliance's user may read and write it.",
  STORE_MISSING: "There are no results yet: start the appliance once, or check the data folder in the configuration.",
  STORE_IN_USE: "Another appliance runs on this data folder: stop it, or give this one a dataDir of its own.",
  STORE_BUSY: "Another process held the database for too long: try again, and run one appliance on one data folder.",
  STORE_DISK_FULL: "Free space on the disk that holds the data folder; nothing was stored and nothing was published.",
  STORE_IO: "The disk failed to read or write: check the system log and the health of the disk.",
  STORE_BACKLOG: "More writes are waiting than the limit allows: send less at once.",
  STORE_CLOSED: "The appliance is stopping.",
  STORE_DUPLICATE: "A result with this id is stored already: every result needs an id of its own.",
  STORE_SEAL: "This is a defect in the appliance: keep a copy of the data folder and report it with the message.",
  STORE_INTERNAL: "This is a defect in the appliance: report it with the message.",
} as const;

export class StoreError extends codedErrors(STORE_ERRORS) {}

export const OUTBOX_ERRORS = {
  OUTBOX_FULL:
    "Messages wait for a broker that does not take them: restore the connection to the broker, or raise the outbox limits.",
  OUTBOX_AGED:
    "Events that no broker took for a week were removed, results and seals were not: restore the connection to the broker.",
} as const;

export class OutboxError extends codedErrors(OUTBOX_ERRORS) {}

export const CACHE_ERRORS = {
  CACHE_OPEN: "The cache file can be neither opened nor replaced: check the data folder's permissions and free space.",
} as const;

export class CacheError extends codedErrors(CACHE_ERRORS) {}
