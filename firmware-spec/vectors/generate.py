#!/usr/bin/env python3
"""
Writes the test vectors: ./generate.py. Python 3 and nothing else; the same files every time.

    --check     writes nothing; fails if a file would change
    --examples  prints the example lines of SPEC.md section 13, as this implementation makes them
"""

import pathlib
import sys

from make import basics, dialogues, examples, lines, replies, rows
from make.cases import written

FOLDER = pathlib.Path(__file__).parent
SUITES = [
    basics.crcs,
    basics.sha256s,
    basics.stuffing,
    basics.roots,
    lines.lines,
    rows.rows,
    dialogues.dialogues,
    replies.replies,
    examples.examples,
]


def main(arguments: list[str]) -> int:
    if arguments == ["--examples"]:
        print("\n".join(examples.listing()))
        return 0
    if arguments not in ([], ["--check"]):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    stale = 0
    for suite in SUITES:
        content = suite()
        path = FOLDER / f"{content['suite']}.json"
        text = written(content) + "\n"
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if arguments:
            print(f"{path.name} is not what generate.py makes: run it.", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
            print(f"{path.name}: {content['count']} cases")
    return 1 if arguments and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
