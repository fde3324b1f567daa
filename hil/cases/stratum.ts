/** All cases for devices that work for a Stratum pool. */
import { STRATUM_FAULT_CASES } from "../faults/cases-stratum.ts";
import type { Case } from "../rig/case.ts";
import { BATCH_CASES } from "./stratum/batch.ts";
import { JOB_CASES } from "./stratum/job.ts";
import { LINE_CASES } from "./stratum/line.ts";
import { OPEN_CASES } from "./stratum/open.ts";
import { RECORDED_CASES } from "./stratum/recorded.ts";
import { REFUSE_CASES } from "./stratum/refuse.ts";
import { SHARE_CASES } from "./stratum/share.ts";

export const STRATUM_CASES: readonly Case<"stratum">[] = [
  ...OPEN_CASES,
  ...JOB_CASES,
  ...SHARE_CASES,
  ...BATCH_CASES,
  ...REFUSE_CASES,
  ...LINE_CASES,
  ...STRATUM_FAULT_CASES,
  ...RECORDED_CASES,
];
