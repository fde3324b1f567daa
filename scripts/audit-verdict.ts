/** What `npm audit --json` said, in words: found, not found, or not asked. An answer that is none is never taken for a clean one. */

interface Answer {
  readonly metadata?: { readonly vulnerabilities?: Readonly<Record<string, number>> };
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity?: string }>>;
  readonly message?: string;
}

export interface AuditVerdict {
  /** 0: nothing is known against the packages. 1: something is. 2: the audit was not run. */
  readonly exitCode: 0 | 1 | 2;
  readonly lines: readonly string[];
}

const SEVERITIES = ["critical", "high", "moderate", "low", "info"] as const;

/** @param text standard output of npm */
export function auditVerdict(text: string): AuditVerdict {
  const answer = parsed(text);
  const counts = answer?.metadata?.vulnerabilities;
  if (answer === undefined || counts === undefined || typeof counts.total !== "number") {
    return notRun(whyNot(answer?.message));
  }
  if (counts.total === 0)
    return {
      exitCode: 0,
      lines: ["npm audit: run; nothing is known against the packages that the appliance runs with"],
    };
  const figures = SEVERITIES.flatMap((name) => ((counts[name] ?? 0) > 0 ? [`${counts[name]} ${name}`] : []));
  const packages = Object.entries(answer.vulnerabilities ?? {}).map(([name, { severity }]) => `  ${name}: ${severity}`);
  return { exitCode: 1, lines: [`npm audit: ${counts.total} found: ${figures.join(", ")}`, ...packages.sort()] };
}

function notRun(why: string): AuditVerdict {
  return { exitCode: 2, lines: [`npm audit: not run: ${why}`] };
}

function parsed(text: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The status alone: the message has the registry's address. */
function whyNot(message: string | undefined): string {
  const [status] = /\b[45]\d\d\b/.exec(message ?? "") ?? [];
  if (status !== undefined) return `the registry answered ${status}; it offers no audit, or not to this machine`;
  return "the registry could not be asked";
}
