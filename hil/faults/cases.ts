/**
 * The host on a line that fails, and before a device that lies. What it must do with each: ask again, refuse by name,
 * recover; and never take a wrong answer for a right one.
 */
import type { Case } from "../rig/case.ts";
import { END_CASES } from "./cases-ends.ts";
import { LIE_CASES } from "./cases-lies.ts";
import { RETRY_CASES } from "./cases-retry.ts";

export const FAULT_CASES: readonly Case<"usb">[] = [...RETRY_CASES, ...END_CASES, ...LIE_CASES];
