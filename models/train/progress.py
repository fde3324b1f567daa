"""A progress bar on stderr: drawn in place on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
WIDTH, TERMINAL_EVERY_S, LOG_EVERY_S = 24, 0.2, 30.0


class Bar:
    def __init__(self, label: str, total: int) -> None:
        self.label, self.total = label, max(total, 1)
        self.started = time.monotonic()
        self.drawn = self.started
        self.terminal = sys.stderr.isatty()

    def show(self, done: int, note: str = "") -> None:
        """Draws at most every so often, and always at the end."""
        now = time.monotonic()
        last = done >= self.total
        if not last and now - self.drawn < (TERMINAL_EVERY_S if self.terminal else LOG_EVERY_S):
            return
        self.drawn = now
        passed = now - self.started
        left = passed / max(done, 1) * (self.total - done)
        filled = "█" * round(WIDTH * done / self.total)
        text = f"{self.label} {filled:·<{WIDTH}} {done}/{self.total}  {passed:.0f} s, {left:.0f} s to go  {note}"
        print(f"\r\033[K{text}" if self.terminal else text, end="" if self.terminal and not last else "\n",
              file=sys.stderr, flush=True)


def over(label: str, items: Sequence[T]) -> Iterator[T]:
    """Hands the items on and shows how far it is."""
    bar = Bar(label, len(items))
    for done, item in enumerate(items, 1):
        yield item
        bar.show(done)
