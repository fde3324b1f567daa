"""What was decided before the test split was opened: arms, comparisons, margins. protocol.md says the same in words."""

from dataclasses import dataclass

SEED, RESAMPLES, LEVEL = 20261, 5000, 0.95
MARGIN_AUC, MARGIN_ACCURACY = 0.005, 0.005
BINS = 15

CONTROL, SINGLE, MULTI = "none", "hash-single", "hash-multi"
INJECTED_CONTROL = "injected-none"

# What multiplies, or joins, the features in each arm.
ARMS = {
    "none": "nothing: the plain CNN",
    "hash-single": "hash map, one scale (8×8 blocks), pattern A",
    "hash-multi": "hash map, three scales, pattern A",
    "constant": "the same number everywhere (0.5)",
    "permuted": "the hash map of another image",
    "fixed-noise": "random noise, drawn once per image",
    "resampled-noise": "random noise, new at every step, mean of 8 at test",
    "learned": "attention learned from the features",
    "parallel": "hash maps in a branch of their own, pattern C",
    "parallel-permuted": "pattern C with another image's maps",
    "injected-none": "nothing, fine-tuned as pattern B is",
    "injected": "hash maps after all four stages, pattern B",
    "injected-permuted": "pattern B with another image's maps",
}


@dataclass(frozen=True)
class Contrast:
    """``first`` − ``second``; one contrast is primary, the others share one Holm family."""

    first: str
    second: str

    @property
    def primary(self) -> bool:
        return (self.first, self.second) == (MULTI, CONTROL)


CONTRASTS = (
    Contrast(MULTI, CONTROL),
    *(Contrast(arm, CONTROL) for arm in (SINGLE, "constant", "permuted", "fixed-noise", "resampled-noise", "learned",
                                         "parallel", "parallel-permuted")),
    Contrast("injected", INJECTED_CONTROL), Contrast("injected-permuted", INJECTED_CONTROL),
    # Does it matter that the map is the image's own, and that there are three scales?
    Contrast(MULTI, "permuted"), Contrast("parallel", "parallel-permuted"), Contrast("injected", "injected-permuted"),
    Contrast(MULTI, SINGLE),
)

# Table 7.2 of the whitepaper, which names no data set, number of images, seeds or intervals.
CLAIMS = {
    CONTROL: {"name": "Standard CNN", "auc": 0.962, "accuracy": 0.921, "sensitivity": 0.935, "specificity": 0.907},
    SINGLE: {"name": "Single-scale", "auc": 0.971, "accuracy": 0.934, "sensitivity": 0.952, "specificity": 0.916},
    MULTI: {"name": "Multi-scale", "auc": 0.978, "accuracy": 0.941, "sensitivity": 0.960, "specificity": 0.922},
}
