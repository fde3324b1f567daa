/**
 * Which message makes the broker hang up, where the broker does not say: found by sending one at a time. Pure.
 *
 * A broker that cannot take a message may end the connection instead of refusing it, MQTT 3.1.1 leaves it no other way.
 * Sent again first at every connect, that message would block all that wait behind it for ever.
 */

/** Connections that end with nothing acknowledged, until messages are sent one at a time. */
const LOSSES = 2;
/** Connections that end with one message alone under way, until it is found guilty. */
const LOSSES_ALONE = 3;
/** Messages that are sent one at a time after that: the guilty one need not be the first. */
const CAREFUL_FOR = 128;

/**
 * How the connection ended: `blamed`, the broker said that a message is the reason; `hung up`, it did not say why; `silent`,
 * an acknowledgement stayed out. That is a slow broker or a bad link, and no word against a message.
 */
export type Ended = "blamed" | "hung up" | "silent";

export class Suspicion {
  #losses = 0;
  #careful = 0;
  #suspect: number | undefined;

  /** Whether messages are to be sent one at a time. */
  get careful(): boolean {
    return this.#careful > 0;
  }

  acknowledged(): void {
    this.#losses = 0;
    this.#suspect = undefined;
    if (this.#careful > 0) this.#careful -= 1;
  }

  /**
   * The connection ended.
   *
   * @param underWay positions of the messages without an acknowledgement
   * @returns the position of the message that is to blame, once it is known; never where the broker was silent
   */
  lost(underWay: readonly number[], ended: Ended): number | undefined {
    const [first] = underWay;
    if (first === undefined) return undefined;
    const alone = this.careful && underWay.length === 1;
    if (alone && this.#suspect !== first) [this.#suspect, this.#losses] = [first, 0];
    this.#losses += 1;
    if (!alone) {
      if (ended === "blamed" || this.#losses >= LOSSES) [this.#careful, this.#losses] = [CAREFUL_FOR, 0];
      return undefined;
    }
    this.#careful = CAREFUL_FOR;
    if (ended === "silent") this.#losses = 0;
    if (ended !== "blamed" && this.#losses < LOSSES_ALONE) return undefined;
    [this.#suspect, this.#losses] = [undefined, 0];
    return first;
  }
}
