/** All sections, in the order in which they run. */
import { POWER } from "../power/section.ts";
import { BROKER } from "./broker.ts";
import { CLOCK } from "./clock.ts";
import { DEVICE } from "./device.ts";
import { KILLS } from "./kills.ts";
import { POOL } from "./pool.ts";
import type { Section } from "./section.ts";
import { HOUR, VOLUME } from "./volume.ts";

export const SECTIONS: readonly Section[] = [KILLS, BROKER, DEVICE, CLOCK, VOLUME, HOUR, POWER, POOL];
