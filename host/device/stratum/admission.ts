/** Who may work: an allow-list of worker names. Names are no secrets, Stratum V1 carries them in the clear. */

export type Admission = { readonly kind: "refused" } | { readonly kind: "admitted"; readonly simulated: boolean };

/** @param worker as the miner gave it, 1 to 128 characters */
export type Admit = (worker: string) => Admission;

export interface AdmissionList {
  /** Names; `a` admits `a` and `a.anything`, as miners name their machines. Null admits everyone. */
  readonly workers: readonly string[] | null;
  /** Those of them that are models, in the same form: what they do is never passed off as hardware. */
  readonly simulated: readonly string[];
}

function stands(names: readonly string[], worker: string): boolean {
  return names.some((name) => worker === name || worker.startsWith(`${name}.`));
}

export function admitListed({ workers, simulated }: AdmissionList): Admit {
  return (worker) => {
    if (stands(simulated, worker)) return { kind: "admitted", simulated: true };
    return workers === null || stands(workers, worker) ? { kind: "admitted", simulated: false } : { kind: "refused" };
  };
}
