import { STRATUM_CASES } from "../cases/stratum.ts";
import { USB_CASES } from "../cases/usb.ts";
import type { AnyCase } from "../rig/case.ts";

export const ALL_CASES: readonly AnyCase[] = [...USB_CASES, ...STRATUM_CASES];
