"""The ``open-test`` step: the test split, once per arm, after what is tested and how was committed.

It refuses while git says that protocol.md or raw/arms.json of the evidence folder are not committed as they are, and it
refuses to open an arm twice. Where the evidence folder is not models/evidence (a run of one's own of the published
protocol), it is the published protocol.md that must be committed and unchanged.
"""

from pathlib import Path

import compare
import injection
from arms import ARMS
from backbone import load_backbone
from compare import Views
from errors import Code, TrainError
from results import EVIDENCE, add_test, arms_path, csv_path, git, has_test, protocol_path, read_accounts
from run import Run
from store import store


def is_committed(path: Path) -> bool:
    """Tracked, and equal in HEAD, in the index and on disk."""
    name = str(path.resolve())
    tracked = git("ls-tree", "--name-only", "HEAD", "--", name)
    clean = git("status", "--porcelain", "--untracked-files=all", "--", name)
    known = tracked.returncode == clean.returncode == 0
    return known and bool(tracked.stdout.strip()) and not clean.stdout.strip()


def demand_committed(evidence: Path) -> None:
    published = evidence.resolve() == EVIDENCE.resolve()
    wanted = [protocol_path(evidence), arms_path(evidence)] if published else [protocol_path(EVIDENCE)]
    for path in wanted:
        if not is_committed(path):
            raise TrainError(Code.TEST_UNCOMMITTED, f"{path.name} is not committed as it is")


def choose(evidence: Path, asked: list[str]) -> list[str]:
    """The arms to open: those asked for, none of them open; or, asked for none, all that are still closed."""
    known = list(read_accounts(evidence))
    for name in asked or known:
        if name not in known or not csv_path(evidence, name).exists():
            raise TrainError(Code.RUN_INCOMPLETE, f"arm '{name}' has no val results: the step is `arms`")
    opened = [name for name in asked or known if has_test(csv_path(evidence, name))]
    closed = [name for name in asked or known if name not in opened]
    if not known:
        raise TrainError(Code.RUN_INCOMPLETE, "no arm has results: the step is `arms`")
    if (asked and opened) or not closed:
        raise TrainError(Code.TEST_ALREADY_OPEN, f"already open: {', '.join(opened)}")
    return closed


def open_test(run: Run, asked: list[str]) -> list[str]:
    """Adds the test rows of the chosen arms to their files; returns the arms' names."""
    demand_committed(run.evidence)
    names = choose(run.evidence, asked)
    for backbone in run.backbones if any(name in ARMS for name in names) else ():
        store(run.folder, backbone, "test", load_backbone(run.folder, backbone, run.width), run.rows("test"))
    views = Views(run)
    for name in names:
        account = read_accounts(run.evidence)[name]
        found, digest = (compare.test_logits(run, views, name, account["seeds"]) if name in ARMS
                         else injection.test_logits(run, name, account["seeds"]))
        if digest != account["digest"]:
            raise TrainError(Code.TEST_OTHER_HEADS, f"the weights of arm '{name}' are not those of arms.json")
        add_test(run.evidence, name, run.rows("test"), found)
        print(f"arm {name}: {len(found)} seeds, test rows written")
    return names
