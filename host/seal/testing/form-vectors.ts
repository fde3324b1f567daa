/** Vectors of files that are no receipt, though most read as one. */
import { type Canonical, canonicalText } from "../canonical.ts";
import { encodeReceipt, type Receipt } from "../receipt.ts";
import { EASY, type ReceiptVector, vector, wholeVector } from "./vector.ts";

/** Text that reads as the same receipt, or nearly, and is none. */
export function formFailures(receipt: Receipt): ReceiptVector[] {
  const text = encodeReceipt(receipt).toString("utf8");
  const changed = (change: object) => canonicalText({ ...receipt, ...change } as Canonical);
  const inResult = (change: object) => changed({ result: { ...receipt.result, ...change } });
  const inSeal = (change: object) => changed({ seal: { ...receipt.seal, ...change } });
  const texts: readonly (readonly [string, string, string])[] = [
    ["empty", "Nothing.", ""],
    ["cut", "The last byte is missing.", text.slice(0, -1)],
    ["space", "A space before it.", ` ${text}`],
    ["line-feeds", "Two line feeds after it.", `${text}\n\n`],
    ["carriage-return", "A carriage return before the line feed.", `${text}\r\n`],
    ["indented", "Indented.", JSON.stringify(JSON.parse(text), null, 2)],
    ["order", "Names in another order.", JSON.stringify(receipt)],
    ["twice", "A name twice.", text.replace('{"commitment"', `{"commitment":"${"0".repeat(64)}","commitment"`)],
    ["escape", "A letter written as an escape.", text.replace("ward-3", "\\u0077ard-3")],
    ["number", "1 written as 1.0.", text.replace('"sequence":1,', '"sequence":1.0,')],
    ["byte-order-mark", "A byte order mark.", `\ufeff${text}`],
    ["deep", "Brackets without end.", "[".repeat(16_000)],
    ["long", "More than 16,384 bytes.", text + " ".repeat(16_384)],
    ["list", "A list.", "[]"],
    ["nan", "A number that JSON does not have.", text.replace('"sequence":1,', '"sequence":NaN,')],
    ["unknown", "A name too many.", changed({ note: "x" })],
    ["format", "Another version.", changed({ format: "lv06/receipt/2" })],
    ["use", "Another intended use.", changed({ intendedUse: "clinical" })],
    ["index", "A place no batch has.", changed({ inclusion: { ...receipt.inclusion, index: 1024 } })],
    ["path", "Eleven steps.", changed({ inclusion: { index: 0, path: new Array(11).fill("00".repeat(32)) } })],
    ["upper-case", "A digest in upper case.", changed({ commitment: receipt.commitment.toUpperCase() })],
    ["signature", "A signature of 63 bytes.", changed({ signature: receipt.signature.slice(2) })],
    ["missing", "A name missing.", text.replace(`"sequence":1,`, "")],
    ["sequence-zero", "Sequence 0.", inResult({ sequence: 0 })],
    ["sequence-text", "A number as text.", inResult({ sequence: "1" })],
    ["sequence-large", "2^53.", text.replace('"sequence":1,', '"sequence":9007199254740992,')],
    ["utc-negative", "A time before 1970.", inResult({ utcMs: -1 })],
    ["probability", "Five decimals.", inResult({ probability: "0.04170" })],
    ["probability-range", "More than 1.", inResult({ probability: "1.0001" })],
    ["reasons", "Reasons that are not sorted.", inResult({ reasons: ["B", "A"] })],
    ["reasons-many", "65 reasons.", inResult({ reasons: new Array(65).fill("A") })],
    ["label-long", "A label of 65 characters.", inResult({ label: "x".repeat(65) })],
    ["label-empty", "An empty label.", inResult({ label: "" })],
    ["label-half", "Half a surrogate pair.", text.replace('"label":"pneumonia"', '"label":"\\ud800"')],
    ["result-id", "A result's id with a space.", inResult({ resultId: "sample 1" })],
    ["boolean", "A boolean as a number.", inResult({ assessed: 1 })],
    ["prototype", "A name with a meaning in some languages.", text.replace('"result":{', '"result":{"__proto__":1,')],
    ["size-zero", "A batch of nothing.", inSeal({ size: 0 })],
    ["size-large", "A batch of 1,025.", inSeal({ size: 1025 })],
    ["difficulty-zero", "Difficulty 0.", inSeal({ difficulty: "0" })],
    ["difficulty-zeros", "A zero that could be left out.", inSeal({ difficulty: "0.10" })],
    ["difficulty-number", "The difficulty as a number.", inSeal({ difficulty: 1 })],
    ["device-kind", "No device.", inSeal({ device: { ...receipt.seal.device, kind: "none" } })],
    ["header", "A header of 79 bytes.", inSeal({ workProof: { ...receipt.seal.workProof, header: "00".repeat(79) } })],
    ["coinbase", "A coinbase of half a byte.", inSeal({ workProof: { ...receipt.seal.workProof, coinbase: "0" } })],
    [
      "coinbase-long",
      "A coinbase of 1,025 bytes.",
      inSeal({ workProof: { ...receipt.seal.workProof, coinbase: "00".repeat(1025) } }),
    ],
    [
      "branches",
      "33 branches.",
      inSeal({ workProof: { ...receipt.seal.workProof, branches: new Array(33).fill("00".repeat(32)) } }),
    ],
  ];
  return [
    ...texts.map(([name, about, file]) => vector(`bad-form-${name}`, about, file, { form: "failed" })),
    {
      ...wholeVector("bad-form-utf8", "A byte that is no UTF-8.", { form: "failed" }, EASY),
      receiptHex: Buffer.from(text.replace("pneumonia", "pneumoni\u00e9"), "latin1").toString("hex"),
    },
  ];
}
