/** What the session makes of the device's log (SPEC.md §6): it explains an end, and never decides one. */
import { type BootText, bootText } from "../link/boot-text.ts";

export class Ears {
  #meaning: BootText | undefined;
  #words = "";

  /** What the log told of the device's fate, if anything. */
  get meaning(): BootText | undefined {
    return this.#meaning;
  }

  /** The line that told it, or else the last one. */
  get words(): string {
    return this.#words;
  }

  /**
   * @param line as it was heard; @param text of it what may be kept
   * @returns whether the line sounds like a restart
   */
  hear(line: string, text: string): boolean {
    const meaning = bootText(line);
    // A restart follows every crash and brown-out, and says nothing new.
    const news = meaning !== undefined && (meaning !== "restarting" || this.#meaning === undefined);
    if (news) this.#meaning = meaning;
    if (news || this.#meaning === undefined) this.#words = text;
    return meaning !== undefined;
  }

  /** The device lives: what was heard before explains nothing that comes. */
  forget(): void {
    this.#meaning = undefined;
  }
}
