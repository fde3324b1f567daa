/** The configuration as it may be printed. */
import { KEYS } from "./keys.ts";
import { type Loaded, valueAt } from "./load.ts";
import type { Origin } from "./settings.ts";

const HIDDEN = "…";

export interface EffectiveKey {
  readonly key: string;
  /** `…` for a secret that is set. */
  readonly value: unknown;
  readonly origin: Origin;
}

/** Every key with its value and origin, in the schema's order, secrets hidden. */
export function effectiveConfig({ config, origins }: Loaded): readonly EffectiveKey[] {
  return KEYS.map((key) => {
    const value = valueAt(config, key);
    return {
      key: key.name,
      value: key.secret && value !== null ? HIDDEN : value,
      origin: origins.get(key.name) ?? "default",
    };
  });
}
