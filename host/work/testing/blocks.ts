/** Blocks of the Bitcoin main chain: public facts, each held to its hash by the tests. */

const fromHex = (hex: string) => Buffer.from(hex, "hex");

/** Block 0. */
export const GENESIS = {
  hash: "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
  header: fromHex(
    `01000000${"00".repeat(32)}3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c`,
  ),
  coinbase: fromHex(
    `01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000`,
  ),
} as const;

/** Block 170: two transactions, so its coinbase has one branch, the first payment ever made. */
export const BLOCK_170 = {
  hash: "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee",
  header: {
    version: 1,
    prevhash: fromHex("000000002a22cfee1f2c846adbd12b3e183d4f97683f85dad08a79780a84bd55").reverse(),
    merkleRoot: fromHex("7dac2c5666815c17a3b36427de37bb9d2e2c5ccec3f8633eb91a4205cb4c10ff").reverse(),
    ntime: 1_231_731_025,
    nbits: 0x1d00ffff,
    nonce: 1_889_418_792,
  },
  coinbase: fromHex(
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff0704ffff001d0102ffffffff0100f2052a01000000434104d46c4968bde02899d2aa0963367c7a6ce34eec332b32e42e5f3407e052d64ac625da6f0718e7b302140434bd725706957c092db53805b821a85b23a7ac61725bac00000000",
  ),
  payment: fromHex("f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16").reverse(),
} as const;

/** Block 125552, the example of the Bitcoin wiki's page on the hashing algorithm. */
export const BLOCK_125552 = {
  hash: "00000000000000001e8d6829a8a21adc5d38d0a473b144b6765798e61f98bd1d",
  header: fromHex(
    "0100000081cd02ab7e569e8bcd9317e2fe99f2de44d49ab2b8851ba4a308000000000000e320b6c2fffc8d750423db8b1eb942ae710e951ed797f7affc8892b0f1fc122bc7f5d74df2b9441a42a14695",
  ),
} as const;
