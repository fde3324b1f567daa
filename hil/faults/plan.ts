/** A fault plan is data: what goes wrong, when, and with which luck. The same plan does the same again. */
import * as z from "zod";
import { FaultError } from "./error.ts";
import { DIRECTIONS, FAULT_KINDS, type FaultKind, kindOf, OPTIONS } from "./kinds.ts";

const whole = (least: number, most: number) => z.number().int().min(least).max(most);
const HOUR_MS = 3_600_000;
const word = z.string().regex(/^[A-Za-z][\w.-]{0,63}$/);

const faultSchema = z
  .strictObject({
    kind: z.enum(FAULT_KINDS as readonly [FaultKind, ...FaultKind[]]),
    direction: z.enum(DIRECTIONS),
    /** Chance at each line, or chunk, for which all else holds; default 1. */
    p: z.number().min(0).max(1).optional(),
    /** How often at most, over all connections; 1 is once. */
    times: whole(1, 1_000_000).optional(),
    /** Only when so many bytes have passed on this connection. */
    afterBytes: whole(0, 2 ** 40).optional(),
    /** Only the N-th line of this connection, from 1. */
    line: whole(1, 2 ** 40).optional(),
    /** Only lines of this command: requests, answers to them, and notices. On Stratum a method. */
    verb: word.optional(),
    /** Only after this mark, and only before that one. */
    from: word.optional(),
    to: word.optional(),
    ms: whole(0, HOUR_MS).optional(),
    jitterMs: whole(0, HOUR_MS).optional(),
    baud: whole(50, 12_000_000).optional(),
    lineBaud: whole(50, 12_000_000).optional(),
    at: whole(1, 65_536).optional(),
    bytes: whole(1, 65_536).optional(),
  })
  .superRefine((fault, context) => {
    const kind = kindOf(fault.kind);
    const complain = (message: string) => context.addIssue({ code: "custom", message: `${fault.kind}: ${message}` });
    if (!kind.in.includes(fault.direction)) complain(`only on ${kind.in.join(", ")}`);
    for (const option of OPTIONS) {
      if (fault[option] !== undefined && !kind.takes?.includes(option)) complain(`takes no ${option}`);
      if (fault[option] === undefined && kind.needs?.includes(option)) complain(`needs ${option}`);
    }
  });

export const planSchema = z.strictObject({
  /** Decides all luck of the plan. */
  seed: whole(0, 2 ** 32 - 1),
  faults: z.array(faultSchema).max(64),
});

export type Fault = Readonly<z.infer<typeof faultSchema>>;
export interface FaultPlan {
  readonly seed: number;
  readonly faults: readonly Fault[];
}

export const NO_FAULTS: FaultPlan = { seed: 0, faults: [] };

/** @throws FaultError FAULT_PLAN */
export function checkPlan(plan: unknown): FaultPlan {
  const checked = planSchema.safeParse(plan);
  if (checked.success) return checked.data;
  const issues = checked.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`.trim());
  throw new FaultError("FAULT_PLAN", issues.slice(0, 4).join("; "));
}
