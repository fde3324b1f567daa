"""What can go wrong with what a person gives to these commands: a stable code, what was found, what to do."""

from enum import Enum


class Code(Enum):
    """The name is the code and never changes its meaning; the value is what to do."""

    DATA_CLASS_MISSING = "Give a folder with one folder per class, NORMAL and PNEUMONIA, and images in both."
    DATA_INDEX = "Give a CSV file with the columns of kermany224.csv, labels NORMAL and PNEUMONIA, and each file once."
    DATA_FILE_MISSING = "Make the images again with `prepare`, or copy the missing ones."
    DATA_UNREADABLE = "Copy these files again; a file that stays unreadable is damaged in the archive too."
    DATA_DUPLICATE = "Keep one of each pair, or name the other's file under dup_of in the index."
    DATA_LEAK = "Put all images of a patient into one split of the index."
    DATA_TOO_FEW = "Use the whole data set: quantisation, temperature and threshold need enough images of both classes."
    DATA_PRECOMPUTED = "Run `./lv06 precompute IMAGES --out DIR` over the whole data set, and give DIR as --data."
    RUN_INCOMPLETE = "Run the step that the message names first; `all` runs them in order."
    RUN_OTHER_PLAN = "Use another --run folder, or the settings that this one was begun with."
    EVIDENCE_RAW = "Raw results are made by `arms`, `open-test` and `make eval`: restore the file, or make it again."
    EVIDENCE_STALE = "Run `make evidence` and commit what it writes."
    EVIDENCE_OPEN = "These results are published: give another --evidence folder for a run of your own."
    TEST_UNCOMMITTED = "Commit protocol.md and raw/arms.json first: what is tested, and how, is fixed before a look."
    TEST_ALREADY_OPEN = "The test split is opened once per arm. Its rows are in the arm's file."
    TEST_OTHER_HEADS = "Open the test with the run folder whose arms were committed."
    EXPORT_MISMATCH = "Export again; if it stays, the graph is not the network: report it."
    EVAL_FAILED = "The lines above say why; the same command in a shell shows it again."
    NODE_MISSING = "Install Node as README.md says; `./lv06 --version` shows whether it works."


class TrainError(Exception):
    """Ends a command with exit code 1 and two lines: what was found, and what to do."""

    def __init__(self, code: Code, found: str) -> None:
        super().__init__(f"{code.name}: {found}")
        self.code = code
        self.action = code.value
