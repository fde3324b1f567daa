/** Defects of the host's Stratum pool. */
import type { Mutant } from "../mutant.ts";

const BRIDGE = "host/device/stratum/bridge.ts";
const CONVERSATION = "host/device/stratum/conversation.ts";
const JOBS = "host/device/stratum/jobs.ts";
const MESSAGE = "host/device/stratum/message.ts";
const MINER_WORK = "host/device/stratum/miner-work.ts";
const HEADER = "host/work/header.ts";
const PREPARED = "host/work/prepared-job.ts";
const SHARE = "host/work/share.ts";

const HOST = { where: "host", hint: [] } as const;

export const POOL_MUTANTS: readonly Mutant[] = [
  {
    ...HOST,
    id: "pool/no-error-key",
    what: "Answers lack the `error` key, without which the oldest firmware crashes",
    edits: [
      { file: MESSAGE, from: "JSON.stringify({ id, result, error: null })", to: "JSON.stringify({ id, result })" },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/open/error-key"],
  },
  {
    ...HOST,
    id: "pool/difficulty-after-the-job",
    what: "A new difficulty is told after the job that it is for",
    edits: [
      {
        file: MINER_WORK,
        from: "return difficultyNotice(difficulty) + jobNotice(job, true);",
        to: "return jobNotice(job, true) + difficultyNotice(difficulty);",
      },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/open/difficulty-then-job"],
  },
  {
    ...HOST,
    id: "pool/new-difficulty-not-clean",
    what: "The job of a new difficulty does not have the miner drop its work",
    edits: [
      {
        file: MINER_WORK,
        from: "return difficultyNotice(difficulty) + jobNotice(job, true);",
        to: "return difficultyNotice(difficulty) + jobNotice(job, this.#book.seen.count === 0);",
      },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/difficulty/with-next-job"],
  },
  {
    ...HOST,
    id: "pool/new-batch-not-clean",
    what: "A new batch does not have the miner drop its work",
    edits: [
      {
        file: CONVERSATION,
        from: "if (this.#over || this.#work === undefined) return [];\n    this.#held += this.#issue(this.#work, true, at);",
        to: "if (this.#over || this.#work === undefined) return [];\n    this.#held += this.#issue(this.#work, false, at);",
      },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/batch/clean"],
  },
  {
    ...HOST,
    id: "pool/batch-before-given-out",
    what: "Miners go on with the batch before when a new one is given out",
    edits: [
      {
        file: CONVERSATION,
        from: "this.#batch = batch;\n    if (this.#over",
        to: "if (this.#work === undefined) this.#batch = batch;\n    if (this.#over",
      },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/job/commitment"],
  },
  {
    ...HOST,
    id: "pool/duplicates-accepted",
    what: "A share that was sent before counts again",
    edits: [{ file: SHARE, from: 'if (seen.has(share.jobId, key)) return refused("duplicate");', to: "" }],
    expected: ["replay", "model"],
    hint: ["stratum/refuse/duplicate"],
  },
  {
    ...HOST,
    id: "pool/stale-accepted",
    what: "A share of the batch before counts",
    edits: [{ file: JOBS, from: "if (entry.batch !== about.batch) this.#retire(id);\n      else if", to: "if" }],
    expected: ["replay", "model"],
    hint: ["stratum/refuse/stale"],
  },
  {
    ...HOST,
    id: "pool/job-ids-again",
    what: "Job ids are used again after four jobs",
    edits: [{ file: JOBS, from: "this.#next = (this.#next + 1) >>> 0;", to: "this.#next = (this.#next + 1) % 4;" }],
    expected: ["replay", "model"],
    hint: ["stratum/job/ids"],
  },
  {
    ...HOST,
    id: "pool/mask-too-wide",
    what: "Miners may roll a bit of the version that BIP 320 does not leave to them",
    edits: [
      { file: HEADER, from: "export const VERSION_MASK = 0x1fffe000;", to: "export const VERSION_MASK = 0x3fffe000;" },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/open/mask", "stratum/job/fields"],
  },
  {
    ...HOST,
    id: "pool/outside-the-mask-accepted",
    what: "A share counts that rolled bits outside its mask",
    edits: [
      {
        file: PREPARED,
        from: 'return withinMask(share.versionBits, versionMask) ? null : "version-bits";',
        to: 'return withinMask(share.versionBits, versionMask | 0xffffffff) ? null : "version-bits";',
      },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/refuse/out-of-mask"],
  },
  {
    ...HOST,
    id: "pool/time-not-checked",
    what: "A share counts whatever its time",
    edits: [
      {
        file: PREPARED,
        from: 'if (share.ntime < this.job.ntime || share.ntime > this.job.ntime + ntimeSlackS) return "ntime-range";',
        to: 'if (ntimeSlackS < 0) return "ntime-range";',
      },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/refuse/time-before", "stratum/refuse/time-after"],
  },
  {
    ...HOST,
    id: "pool/shares-not-verified",
    what: "A share counts that misses its difficulty",
    edits: [
      { file: SHARE, from: "if (!meetsTarget(hash, job.terms.target)) return", to: "if (difficulty < 0) return" },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/refuse/low-difficulty"],
  },
  {
    ...HOST,
    id: "pool/any-share-seals",
    what: "A share seals a batch though it misses the batch's difficulty",
    edits: [
      {
        file: BRIDGE,
        from: "|| wanted === null || !meetsTarget(verdict.hash, wanted.target)) return;",
        to: "|| wanted === null) return;",
      },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/batch/hard"],
  },
  {
    ...HOST,
    id: "pool/sealed-twice",
    what: "A batch is sealed by every share that meets its difficulty, not by the first",
    edits: [{ file: BRIDGE, from: "    this.#sealed = true;\n    const { proof,", to: "    const { proof," }],
    expected: ["replay", "model"],
    hint: ["stratum/batch/one-after-another", "stratum/batch/next"],
  },
  {
    ...HOST,
    id: "pool/other-worker-accepted",
    what: "Shares count under another worker's name",
    edits: [
      {
        file: CONVERSATION,
        from: "if (work === undefined || name !== this.#admitted?.name) return",
        to: "if (work === undefined || name === null) return",
      },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/refuse/other-worker"],
  },
  {
    ...HOST,
    id: "pool/one-extranonce-for-all",
    what: "Every connection has the same extranonce, so that one share counts for all",
    edits: [
      { file: BRIDGE, from: "this.#nextExtranonce1 = (this.#nextExtranonce1 + 1) >>> 0;", to: "" },
      {
        file: BRIDGE,
        from: 'if (!taken.has(bytes.toString("hex"))) return bytes;',
        to: "if (taken.size >= 0) return bytes;",
      },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/open/extranonce", "stratum/refuse/foreign"],
  },
  {
    ...HOST,
    id: "pool/time-since-start",
    what: "Jobs carry the seconds since the pool was started, and miners set their clocks by it",
    edits: [
      {
        file: MINER_WORK,
        from: "const ntime = Math.floor(at.utcMs / 1000);",
        to: "const ntime = Math.floor(at.monoMs / 1000);",
      },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/job/time"],
  },
  {
    ...HOST,
    id: "pool/no-keepalive",
    what: "A miner that works on one batch for long is told nothing, and gives the pool up",
    edits: [
      {
        file: CONVERSATION,
        from: "else if (at.monoMs - work.jobMs >= KEEPALIVE_MS) this.#held += this.#issue(work, false, at);",
        to: "",
      },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/job/keepalive"],
  },
  {
    ...HOST,
    id: "pool/keepalive-drops-work",
    what: "The job that keeps a connection alive has the miner drop its work",
    edits: [
      {
        file: CONVERSATION,
        from: ">= KEEPALIVE_MS) this.#held += this.#issue(work, false, at);",
        to: ">= KEEPALIVE_MS) this.#held += this.#issue(work, true, at);",
      },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/job/keepalive"],
  },
  {
    ...HOST,
    id: "pool/prevhash-not-swapped",
    what: "The previous hash goes to miners with its words the wrong way round",
    edits: [
      {
        file: HEADER,
        from: 'return swapWords(prevhash).toString("hex");',
        to: 'return Buffer.from(prevhash).toString("hex");',
      },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/share/first-proves"],
  },
  {
    ...HOST,
    id: "pool/simulated-passed-off",
    what: "A simulated miner's proof is passed off as hardware's",
    edits: [
      {
        file: CONVERSATION,
        from: 'this.#out.push({ kind: "joined", worker: { ...this.#admitted, client: this.#client } });',
        to: 'this.#out.push({ kind: "joined", worker: { ...this.#admitted, simulated: false, client: this.#client } });',
      },
    ],
    expected: ["replay", "model"],
    hint: ["stratum/share/first-proves"],
  },
];
