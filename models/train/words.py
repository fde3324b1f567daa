"""Figures as a page shows them: one place, so that report and model cards round alike."""

from typing import Any

Figure = dict[str, Any]
NONE = "–"


def share(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.1f} %"


def plain(value: float | None, digits: int = 4) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def signed(value: float | None, digits: int = 4) -> str:
    """With its sign; nought has none."""
    if value is None:
        return NONE
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−") if float(text) else f"{0:.{digits}f}"


def with_interval(figure: Figure, digits: int = 4) -> str:
    low, high = figure["interval95"]
    return f"{figure['value']:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def share_interval(figure: Figure) -> str:
    low, high = figure["interval95"]
    return f"{100 * figure['value']:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


def change(figure: Figure, scale: float = 1, digits: int = 4) -> str:
    """A difference with its interval."""
    low, high = figure["interval95"]
    value, low, high = (signed(scale * v, digits) for v in (figure["value"], low, high))
    return f"{value} ({low} to {high})"


def p_value(p: float | None) -> str:
    return NONE if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def listed(parts: list[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def counted(data: Figure) -> str:
    return f"{data['images']} images ({data['positives']} pneumonia) of {data['patients']} patients"
