/** Tells whoever listens that something changed; what it is now, they look up. */
export class Changes {
  readonly #listeners = new Set<() => void>();

  /** @returns the way to stop it */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Resolves at the next change, or when the signal aborts. */
  async next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = this.listen(resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    stop();
  }
}
