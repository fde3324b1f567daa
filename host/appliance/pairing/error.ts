import { codedErrors } from "../../base/error.ts";

export const PAIR_ERRORS = {
  PAIR_ADVERTISE:
    "Say where miners reach this computer's pool: --advertise HOST:PORT, or device.stratum.advertise in the configuration.",
  PAIR_BY_HAND: "Set its pool on its own web page; docs/stock-devices.md says how. Nothing was changed.",
  PAIR_EXISTS: "Undo the earlier pairing first: `lv06 device pair HOST --undo`. Nothing was changed.",
  PAIR_LOOPBACK:
    "Set device.stratum.listen to this computer's address in the miner's network (docs/stock-devices.md says what that exposes), or name a forwarded port with --advertise.",
  PAIR_NAME_TAKEN: "Give another name with --worker: two miners of one name cannot be told apart.",
  PAIR_NO_POOL: "Set device.stratum.listen to an address of this computer and a port, such as 192.168.1.20:3333.",
  PAIR_NO_RECORD: "Name the record with --undo-file, or set the pool on the miner's own web page.",
  PAIR_RECORD:
    "Give this user a dataDir with room that it may write to: how a miner was set is kept in its folder pairings.",
  PAIR_SILENT:
    "If the appliance runs there, check that mqtt.*, site and appliance are its own, and that it reaches its broker; if another program has the port, free it or choose another in device.stratum.listen.",
  PAIR_UNPROVEN:
    "The miner was left as it is, since no record says how it was before: restart it on its own web page, check that it reaches the address that it is set to, and pair it again; or set its pool there.",
  PAIR_WORKER: "Give another --worker, or add the name to device.stratum.workers.",
} as const;

export class PairError extends codedErrors(PAIR_ERRORS) {}
