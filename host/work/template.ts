/** Work for a device that searches headers itself (USB WORK): the same bytes as a Stratum job's, built by the host. */
import { rootOfCoinbase } from "./branches.ts";
import { expectBytes } from "./bytes.ts";
import { WorkError } from "./error.ts";
import { decodeHeader, encodeHeader, VERSION_MASK, withinMask } from "./header.ts";
import { sealJob } from "./job.ts";
import type { WorkProof } from "./proof.ts";

const EXTRANONCE_BYTES = 8;

export interface WorkTemplate {
  /** 80 bytes, nonce 0. */
  readonly header: Buffer;
  readonly coinbase: Buffer;
  readonly branches: readonly Uint8Array[];
  /** Bits of the version that the device may roll. */
  readonly versionMask: number;
}

export interface TemplateOptions {
  /** What is sealed, 32 bytes. */
  readonly commitment: Uint8Array;
  /** Seconds since 1970. */
  readonly ntime: number;
  /** Default `SEAL_NBITS`. */
  readonly nbits?: number;
  /** 8 bytes, default zeros; another value opens a fresh search space for the same commitment. */
  readonly extranonce?: Uint8Array;
}

/** What a device reports as found. Unsigned, 32 bits. */
export interface Found {
  readonly version: number;
  readonly nonce: number;
}

/** @throws WorkError WORK_LENGTH or WORK_NUMBER */
export function workTemplate(options: TemplateOptions): WorkTemplate {
  const { extranonce = new Uint8Array(EXTRANONCE_BYTES), ...sealed } = options;
  expectBytes("extranonce", extranonce, EXTRANONCE_BYTES);
  const job = sealJob({ ...sealed, id: "0", extranonceBytes: EXTRANONCE_BYTES });
  const coinbase = Buffer.concat([job.coinb1, extranonce, job.coinb2]);
  const header = encodeHeader({ ...job, merkleRoot: rootOfCoinbase(coinbase, job.branches), nonce: 0 });
  return { header, coinbase, branches: job.branches, versionMask: VERSION_MASK };
}

/**
 * The proof that a find makes of its template. Whether it meets a target is for `verifyProof`.
 *
 * @throws WorkError WORK_VERSION where the device changed version bits outside the mask; WORK_NUMBER
 */
export function proofOfFound(template: WorkTemplate, found: Found): WorkProof {
  const fields = decodeHeader(template.header);
  if (!withinMask(fields.version ^ found.version, template.versionMask)) {
    const hex = (value: number) => value.toString(16).padStart(8, "0");
    throw new WorkError("WORK_VERSION", `version ${hex(found.version)} was made of ${hex(fields.version)}`);
  }
  const header = encodeHeader({ ...fields, version: found.version, nonce: found.nonce });
  return { header, coinbase: template.coinbase, branches: template.branches };
}
