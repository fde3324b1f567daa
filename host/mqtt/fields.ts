/** What every message is made of. */
import { z } from "zod";

export const digest = z.string().regex(/^[0-9a-f]{64}$/);
export const name = z.string().min(1).max(64);
export const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
export const code = z.string().regex(/^[A-Z0-9_]{1,64}$/);
export const count = z.int().min(0);
export const reference = z.string().max(256).nullable();
export const utcMs = z.int().min(0);
export const intendedUse = z.literal("research-only");
export const deviceKind = z.enum(["usb", "stratum", "none"]);
