import { codedErrors } from "../../base/error.ts";

export const BACKUP_ERRORS = {
  BACKUP_CLOCK:
    "Set this machine's clock: how far the numbers of results have to leap is told by the time since the backup.",
  BACKUP_DAMAGED: "Nothing was changed: take another backup; this one is none, or is not as it was written.",
  BACKUP_FILE: "Name a file in a folder that this user may read and write, on a disk with room for it.",
  BACKUP_KEYS:
    "Nothing was changed: put the keys back that the backup names (store.encryptionKey, or keys/at-rest.key in the data folder), or restore a backup that was made with --with-keys.",
  BACKUP_NEWER: "Nothing was changed: a newer version of the appliance made this backup; restore it with that one.",
  BACKUP_SECRETS:
    "Move the secrets out of the configuration file (LV06_…_FILE, or systemd credentials), or give --with-keys and keep the backup as safe as they are.",
  BACKUP_TAR: "Check that tar is installed, and that the disk has room.",
  BACKUP_UNFINISHED:
    "A restore was cut short: run `lv06 restore` again with the same file; what was there before lies in the folders before-restore-… of the data folder.",
  BACKUP_USER: "Run it as the user whom the data folder belongs to, so that the appliance can use what is put there.",
} as const;

export class BackupError extends codedErrors(BACKUP_ERRORS) {}
