/** Names within the data folder. */
export const RESULTS_FILE = "results.db";
export const CACHE_FILE = "cache.db";
export const LOCK_FILE = "appliance.lock";
/** Of the signing key. */
export const KEYS_FOLDER = "keys";
/** Of the latest answer of each miner. */
export const MINERS_FOLDER = "miners";
/** Of what undoes each pairing. */
export const PAIRINGS_FOLDER = "pairings";
