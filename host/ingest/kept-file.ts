/**
 * One kept file, encrypted: `LV06E1\n` ‖ key id 8 ‖ u16be n ‖ head n ‖ content.
 *
 * Head and content are sealed one by one, both bound to the file's id: the head tells what it is without the content
 * being read, and neither opens under another file's name.
 */
import { webcrypto } from "node:crypto";
import { KEY_ID_BYTES } from "../base/key-ring.ts";
import type { Vault } from "../base/vault.ts";
import { VaultError } from "../base/vault-error.ts";

const MAGIC = Buffer.from("LV06E1\n");
const PURPOSE = "image";
const LENGTH_BYTES = 2;
const LENGTH_MAX = 0xffff;
const FRAME_BYTES = MAGIC.length + KEY_ID_BYTES + LENGTH_BYTES;
/** So much of a file has its whole head. */
export const HEAD_MAX_BYTES = FRAME_BYTES + LENGTH_MAX;

/** What is known of a kept file. */
export interface KeptHead {
  /** As the caller named it: of an inbox file, its name. */
  readonly reference: string;
  /** When it was put away. */
  readonly utcMs: number;
  /** Of the content. */
  readonly sizeBytes: number;
  /** SHA-256 of the content, lowercase hex. */
  readonly digest: string;
  /** It was never read, a folder or a link such as: there is no content here, it lies beside. */
  readonly unread: boolean;
}

interface Frame {
  readonly keyId: Buffer;
  readonly head: Buffer;
  readonly content: Buffer;
}

/** So much of a file has its key's id. */
export const KEY_ID_END = MAGIC.length + KEY_ID_BYTES;

const aad = (id: string, part: "head" | "content") => `${id}/${part}`;

/** @param id the file's name without its ending */
export async function sealKept(
  vault: Vault,
  id: string,
  about: Pick<KeptHead, "reference" | "utcMs" | "unread">,
  content: Uint8Array,
): Promise<Buffer> {
  const { reference, utcMs, unread } = about;
  const digest = await digestOf(content);
  const head: KeptHead = { reference, utcMs, sizeBytes: content.length, digest, unread };
  const sealedHead = vault.seal(PURPOSE, Buffer.from(JSON.stringify(head)), aad(id, "head"));
  const sealedContent = await vault.sealAside(PURPOSE, content, aad(id, "content"));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(sealedHead.bytes.length);
  return Buffer.concat([MAGIC, sealedHead.keyId, length, sealedHead.bytes, sealedContent.bytes]);
}

/**
 * @param bytes the file, or as much of its beginning as HEAD_MAX_BYTES
 * @throws VaultError VAULT_DAMAGED, VAULT_KEY_UNKNOWN
 */
export function openKeptHead(vault: Vault, id: string, bytes: Uint8Array): KeptHead {
  const { keyId, head } = frameOf(id, bytes);
  return JSON.parse(vault.open(PURPOSE, keyId, head, aad(id, "head")).toString("utf8")) as KeptHead;
}

/** @throws VaultError VAULT_DAMAGED, VAULT_KEY_UNKNOWN */
export function openKept(
  vault: Vault,
  id: string,
  bytes: Uint8Array,
): { readonly head: KeptHead; readonly content: Buffer } {
  const { keyId, content } = frameOf(id, bytes);
  const head = openKeptHead(vault, id, bytes);
  return { head, content: vault.open(PURPOSE, keyId, content, aad(id, "content")) };
}

/** Under the current key, otherwise the same. @throws VaultError VAULT_DAMAGED, VAULT_KEY_UNKNOWN */
export async function resealKept(vault: Vault, id: string, bytes: Uint8Array): Promise<Buffer> {
  const { keyId, content } = frameOf(id, bytes);
  const head = openKeptHead(vault, id, bytes);
  return sealKept(vault, id, head, await vault.openAside(PURPOSE, keyId, content, aad(id, "content")));
}

/** @param bytes the file, or as much of its beginning as KEY_ID_END @returns undefined where it is no kept file */
export function keyIdOf(bytes: Buffer): Buffer | undefined {
  const isKept = bytes.length >= KEY_ID_END && bytes.subarray(0, MAGIC.length).equals(MAGIC);
  return isKept ? bytes.subarray(MAGIC.length, KEY_ID_END) : undefined;
}

/** SHA-256 beside the event loop: a film may have 64 MiB and more. */
async function digestOf(content: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest("SHA-256", Buffer.from(content))).toString("hex");
}

function frameOf(id: string, file: Uint8Array): Frame {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const isWhole = bytes.length >= FRAME_BYTES && bytes.subarray(0, MAGIC.length).equals(MAGIC);
  const end = isWhole ? FRAME_BYTES + bytes.readUInt16BE(FRAME_BYTES - LENGTH_BYTES) : Number.POSITIVE_INFINITY;
  if (end > bytes.length) throw new VaultError("VAULT_DAMAGED", `${id} is no kept file, or a part of one`);
  const keyId = bytes.subarray(MAGIC.length, MAGIC.length + KEY_ID_BYTES);
  return { keyId, head: bytes.subarray(FRAME_BYTES, end), content: bytes.subarray(end) };
}
