/** What `lv06 doctor` finds: a verdict, a code that stays the same, and what to do. */
import { CodedError, errorCode, errorMessage } from "../../base/error.ts";
import { UNDERVOLTAGE_TODO } from "../../device/usb/port-trouble.ts";

/** Code → what to do about it. Codes of other rooms stand for themselves. */
export const DOCTOR_ERRORS = {
  DOCTOR_BROKER_EMBEDDED:
    "Set mqtt.url to a broker that keeps what it has acknowledged; with the embedded one only subscribers that are connected at the moment get a result.",
  DOCTOR_BROKER_ECHO:
    "Ask the broker's keeper: over MQTT 3.1.1 a broker may acknowledge what its access list drops. Use a broker that speaks MQTT 5, or watch the topic with another client.",
  DOCTOR_BROKER_PLAIN:
    "Use mqtts:// with a certificate: without TLS everyone on the network between can read results, user name and password.",
  DOCTOR_CLOCK_UNSYNCED:
    "Have the clock set from outside: `sudo timedatectl set-ntp true`, and let the network's firewall pass NTP (UDP 123).",
  DOCTOR_CLOCK_WRONG:
    "Set the clock: files on this machine are from the future. A Raspberry Pi has no clock of its own without a battery: it needs NTP.",
  DOCTOR_CPU_SLOW:
    "Answers are the same, only later; `lv06 models bench` shows how many images a second this machine makes.",
  DOCTOR_DATA_ACCESS:
    "Give the folder to the user that runs the appliance (`sudo chown -R lv06: FOLDER`), or set dataDir to one that it may write.",
  DOCTOR_DATA_OPEN: "Take it from the others: `chmod 700` on the folder that the finding names.",
  DOCTOR_DISK_LOW: "Free space on this disk or use a larger one: without space results cannot be stored.",
  DOCTOR_INBOX_REMOTE:
    "Prefer a folder on a disk of this machine: on network file systems file events get lost (the folder is read every ingest.rescanMs instead) and a lost connection stops the intake.",
  DOCTOR_INBOX_RENAME:
    "Have processed and quarantine on the file system of the inbox itself, no mounts and no links, writable for the appliance's user: files are renamed into them.",
  DOCTOR_KEY_BESIDE:
    "To have it elsewhere than what it encrypts, before the first film: `lv06 keys new`, and its line into store.encryptionKey (as a systemd credential, say). Where there are data already, the old key's line stays below it.",
  DOCTOR_KEY_PERMISSIONS:
    "Give the file to the appliance's user alone: `chmod 600` on it, `chmod 700` on its folder, `chown` where it is another's. If others could read it, consider it known to them.",
  DOCTOR_MEDDLER: "Stop that program, or have it leave the device alone.",
  DOCTOR_NO_DEVICE:
    "Nothing to do without an LV06: results are the same, but not sealed. Else set device.stratum.listen (stock firmware) or device.usb.path.",
  DOCTOR_NO_SERVICE:
    "To have the appliance start with this machine, install it: `sudo make install`, or `sudo systemctl enable --now lv06` where it is installed.",
  DOCTOR_NOT_RUN: "Mend what kept this check from running, or tell us: it is not meant to fail.",
  DOCTOR_POOL_ADDRESS:
    "Set device.stratum.listen to an address that this machine has (`ip addr` shows them), or to 0.0.0.0.",
  DOCTOR_PORT_ABSENT:
    "Plug the device in, with a cable that carries data, and look with `lv06 device list`; or correct device.usb.path.",
  DOCTOR_PORT_BUSY:
    "Fine where it is the appliance itself; else end the program that the finding names: two cannot share a serial line.",
  DOCTOR_PORT_KIND: "Set device.usb.path to a serial port, best one below /dev/serial/by-id.",
  DOCTOR_PORT_NAME: "Use the name below /dev/serial/by-id: it follows the device from socket to socket.",
  DOCTOR_PORT_PERMISSION:
    "Put the user that runs the appliance into the group that the finding names (`sudo usermod -aG GROUP USER`, then log in again), or install packaging/60-lv06.rules.",
  DOCTOR_ROOT:
    "Ask again as the user that runs the appliance (`sudo -u lv06 lv06 doctor`): root may read and write what that user may not.",
  DOCTOR_SECRET_OPEN:
    "Make the file readable for the appliance's user alone (`chmod 600`), or hand the secret over as a systemd credential.",
  DOCTOR_STORE_ASIDE:
    "Files were damaged on this disk: test it, or use another one. Then move what was set aside elsewhere; with five of them nothing is saved any more without asking (docs/operations.md, A damaged store).",
  DOCTOR_STTY: "Install the package coreutils: without stty ending the appliance may reset the device.",
  DOCTOR_TLS_EXPIRES: "Renew the certificate before that day: from then on the appliance cannot connect to the broker.",
  DOCTOR_UNDERVOLTAGE: UNDERVOLTAGE_TODO,
} as const;

export type DoctorCode = keyof typeof DOCTOR_ERRORS;

/** ok: nothing to do. note: may be meant. wrong: does not work. skipped: was not looked at. */
export type Verdict = "ok" | "note" | "wrong" | "skipped";

export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  /** null where nothing is to be done. */
  readonly code: string | null;
  readonly detail: string;
  /** What to do; null where nothing is. */
  readonly action: string | null;
}

export function ok(check: string, detail: string): Finding {
  return { check, verdict: "ok", code: null, detail, action: null };
}

export function skipped(check: string, detail: string): Finding {
  return { check, verdict: "skipped", code: null, detail, action: null };
}

/** @param action where the table's sentence is not the best there is */
export function note(check: string, code: DoctorCode, detail: string, action: string = DOCTOR_ERRORS[code]): Finding {
  return { check, verdict: "note", code, detail, action };
}

/** @param action where the table's sentence is not the best there is */
export function wrong(check: string, code: DoctorCode, detail: string, action: string = DOCTOR_ERRORS[code]): Finding {
  return { check, verdict: "wrong", code, detail, action };
}

/** What was thrown, with its own code and advice where it has them. */
export function failed(check: string, error: unknown): Finding {
  if (error instanceof CodedError) {
    return { check, verdict: "wrong", code: error.code, detail: error.detail, action: error.action };
  }
  return wrong(check, "DOCTOR_NOT_RUN", `${errorMessage(error)} (${errorCode(error)})`);
}

/** A check that throws is a finding of its own; the others go on. */
export async function looked(
  check: string,
  look: () => Promise<Finding | readonly Finding[]> | Finding | readonly Finding[],
): Promise<readonly Finding[]> {
  try {
    return [await look()].flat();
  } catch (error) {
    return [failed(check, error)];
  }
}
