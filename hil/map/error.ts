/** The hardware map's error table, and the verdicts on a port. */
import { codedErrors } from "../../host/base/error.ts";

export const MAP_ERRORS = {
  RIG_MAP_FORM: "Correct the hardware map at the place named, or move it away and make another with `./hil/hil map`.",
  RIG_MAP_FILE:
    "The hardware map cannot be read or written there: check the path, its permissions and the disk's space.",
  RIG_MAP_EQUAL:
    "Tell the two apart: plug in one at a time, give each an id of its own in its firmware, or name its port in HIL_PORT by /dev/serial/by-path.",
  RIG_PORT_BUSY: "Another program holds the port: end it, or wait for it; `fuser -v PORT` tells which it is.",
  RIG_PORT_KIND: "This is no serial port: name one, such as /dev/ttyACM0 or a link of /dev/serial/by-id.",
  RIG_PORT_PERMISSION:
    "This user may not use the port: join the group that the message names (`sudo usermod -aG GROUP $USER`), then log in again.",
  RIG_NOT_LV06: "Something else is at this port: name another, or unplug it; the LV06 must run direct-hash firmware.",
  RIG_RESETS:
    "The device restarts again and again: check its supply and cable, then its firmware; its last words are in the message.",
  RIG_SIMULATED: "A model is no hardware: name its port in HIL_PORT to use it, and the report will say `simulated`.",
} as const;

export class MapError extends codedErrors(MAP_ERRORS) {}
