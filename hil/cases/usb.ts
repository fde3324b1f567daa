/** All cases over a USB serial line, in the order of SPEC's sections. */

import { FAULT_CASES } from "../faults/cases.ts";
import type { Case } from "../rig/case.ts";
import { BATCH_CASES } from "./usb/batch.ts";
import { BOARD_CASES } from "./usb/board.ts";
import { BOOT_CASES } from "./usb/boots.ts";
import { EDGE_CASES } from "./usb/edges.ts";
import { HASH_CASES } from "./usb/hash.ts";
import { HEALTH_CASES } from "./usb/health.ts";
import { HELLO_CASES } from "./usb/hello.ts";
import { HOST_CASES } from "./usb/host.ts";
import { HOST_ANSWER_CASES } from "./usb/host-answers.ts";
import { HOST_HELLO_CASES } from "./usb/host-hello.ts";
import { HOST_ORDER_CASES } from "./usb/host-order.ts";
import { HOST_RATE_CASES } from "./usb/host-rate.ts";
import { IMAGE_CASES } from "./usb/image.ts";
import { IMAGE_ROW_CASES } from "./usb/image-rows.ts";
import { KEYED_CASES } from "./usb/keyed.ts";
import { LINE_CASES } from "./usb/lines.ts";
import { MANNERS_CASES } from "./usb/manners.ts";
import { RATE_CASES } from "./usb/rate.ts";
import { REQUEST_CASES } from "./usb/requests.ts";
import { SEARCH_CASES } from "./usb/searches.ts";
import { WORK_CASES } from "./usb/work.ts";

export const USB_CASES: readonly Case<"usb">[] = [
  ...FAULT_CASES,
  ...LINE_CASES,
  ...REQUEST_CASES,
  ...HELLO_CASES,
  ...HASH_CASES,
  ...BATCH_CASES,
  ...HEALTH_CASES,
  ...WORK_CASES,
  ...SEARCH_CASES,
  ...KEYED_CASES,
  ...IMAGE_CASES,
  ...IMAGE_ROW_CASES,
  ...RATE_CASES,
  ...BOARD_CASES,
  ...BOOT_CASES,
  ...EDGE_CASES,
  ...HOST_CASES,
  ...HOST_ANSWER_CASES,
  ...HOST_HELLO_CASES,
  ...HOST_ORDER_CASES,
  ...HOST_RATE_CASES,
  ...MANNERS_CASES,
];
