/** What went in, held against what is stored and what arrived: one finding a line, none where all is well. Pure. */

/** A result as the store or a message has it. */
export interface ResultLook {
  readonly resultId: string;
  readonly sequence: number;
  readonly reference: string | null;
  /** Of everything it says. */
  readonly digest: string;
}

export interface Arrival extends ResultLook {
  /** The message's: redeliveries have the same, and are not in the list. */
  readonly id: string;
  /** When the appliance says that it was made. */
  readonly utcMs: number;
}

export interface Evidence {
  /** Names of what was put in. */
  readonly good: readonly string[];
  readonly bad: readonly string[];
  /** By sequence. */
  readonly stored: readonly ResultLook[];
  /** Results up to this number may have been removed, as the retention policy has it; 0 where none was. */
  readonly prunedThrough: number;
  /** In the order of their first arrival. */
  readonly arrived: readonly Arrival[];
  /** False where a broker that forgot had them sent again, later. */
  readonly inOrder: boolean;
  /** Kept in `processed`, and refused with their reasons in `quarantine`; null where none are kept, or not all. */
  readonly kept: number | null;
  readonly refused: number | null;
  /** Left in the inbox, or half done. */
  readonly strays: readonly string[];
  /** Not yet delivered, and not yet sealed. */
  readonly waiting: { readonly messages: number; readonly seals: number };
  /** What the database, the ledger and the appliance itself say. */
  readonly complaints: readonly string[];
}

/** More of one kind are only counted. */
const SHOWN = 5;

export function judge(evidence: Evidence): string[] {
  const { arrived, strays, waiting, complaints } = evidence;
  return [
    ...some("lost", lost(evidence)),
    ...some("twice", twice(evidence)),
    ...some("sequence", gaps(evidence)),
    ...some("not what is stored", changed(evidence)),
    ...some("order", evidence.inOrder ? disorder(arrived) : []),
    ...some("files", files(evidence)),
    ...some("left behind", strays),
    ...(waiting.messages === 0 ? [] : [`waiting: ${waiting.messages} messages for the broker`]),
    ...(waiting.seals === 0 ? [] : [`waiting: ${waiting.seals} results for their seal`]),
    ...some("", complaints),
  ];
}

function some(what: string, findings: readonly string[]): string[] {
  const head = what === "" ? "" : `${what}: `;
  const more = findings.length > SHOWN ? [`${head}${findings.length - SHOWN} more`] : [];
  return [...findings.slice(0, SHOWN).map((words) => `${head}${words}`), ...more];
}

/** A film without a result, a result that never came. */
function lost({ good, stored, arrived, prunedThrough }: Evidence): string[] {
  const pruned = arrived.filter(({ sequence }) => sequence <= prunedThrough);
  const results = new Set([...stored, ...pruned].map(({ reference }) => reference));
  const came = new Set(arrived.map(({ resultId }) => resultId));
  const numbers = new Set(arrived.map(({ sequence }) => sequence));
  const removed = Array.from({ length: prunedThrough }, (_, i) => i + 1);
  return [
    ...good.filter((name) => !results.has(name)).map((name) => `${name} has no result`),
    ...stored.filter(({ resultId }) => !came.has(resultId)).map(({ sequence }) => `result ${sequence} never came`),
    ...removed.filter((number) => !numbers.has(number)).map((number) => `result ${number} never came, and is removed`),
  ];
}

/** A film with two results, a number with two, a message that came under two ids; a result of no film. */
function twice({ good, bad, stored, arrived }: Evidence): string[] {
  const expected = new Set([...good, ...bad]);
  const refused = new Set(bad);
  return [
    ...repeated(stored.map(({ reference }) => reference ?? "")).map((name) => `${name} has several results`),
    ...repeated(arrived.map(({ reference }) => reference ?? "")).map((name) => `${name} came in several results`),
    ...repeated(arrived.map(({ id }) => id)).map((id) => `message ${id} is counted several times`),
    ...repeated(arrived.map(({ sequence }) => String(sequence))).map((number) => `several results came as ${number}`),
    ...stored
      .filter(({ reference }) => !expected.has(reference ?? ""))
      .map(({ sequence }) => `result ${sequence} is of nothing that was put in`),
    ...stored
      .filter(({ reference }) => refused.has(reference ?? ""))
      .map(({ reference }) => `${reference} is no film, and has a result`),
  ];
}

function repeated(values: readonly string[]): string[] {
  const seen = new Set<string>();
  return values.filter((value) => seen.size === seen.add(value).size);
}

function gaps({ stored, prunedThrough }: Evidence): string[] {
  return stored
    .filter(({ sequence }) => sequence > prunedThrough)
    .flatMap(({ sequence }, i) => {
      const expected = prunedThrough + i + 1;
      return sequence === expected ? [] : [`${sequence} in the place of ${expected}`];
    });
}

function changed({ stored, arrived, prunedThrough }: Evidence): string[] {
  const byId = new Map(stored.map((result) => [result.resultId, result]));
  return arrived.flatMap(({ id, resultId, sequence, reference, digest }) => {
    const own = byId.get(resultId);
    if (own === undefined) return sequence <= prunedThrough ? [] : [`message ${id} is of no stored result`];
    const same = own.sequence === sequence && own.reference === reference && own.digest === digest;
    return same ? [] : [`message ${id}`];
  });
}

function disorder(arrived: readonly Arrival[]): string[] {
  return arrived.flatMap(({ sequence }, i) => {
    const before = arrived[i - 1]?.sequence ?? 0;
    return sequence > before ? [] : [`${sequence} came after ${before}`];
  });
}

function files({ good, bad, kept, refused }: Evidence): string[] {
  return [
    ...(kept === null || kept === good.length ? [] : [`${kept} of ${good.length} films are kept`]),
    ...(refused === null || refused === bad.length ? [] : [`${refused} of ${bad.length} bad files have their reason`]),
  ];
}
