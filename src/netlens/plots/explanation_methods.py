"""How methods of explanation look in figures: the same color and marker in each."""

from collections.abc import Iterable
from typing import Any, Final

from matplotlib.lines import Line2D

from netlens.explanation_checks.choices import NOISE, label_of
from netlens.plots import style

# Method: color, marker, line.
_LOOKS: Final[dict[str, tuple[Any, str, str]]] = {
    "gradient": (style.COLORS["gradient"], style.MARKERS["gradient"], "-"),
    "input_t_gradient": ("0.5", "^", "--"),
    "guided_backprop": (style.PALETTE[2], "s", "-"),
    "lrp_epsilon": (style.PALETTE[4], "D", "-"),
    "lrp_alpha1_beta0": (style.PALETTE[9], "X", "-"),
    "lrp_alpha2_beta1": (style.PALETTE[9], "d", ":"),
    "lrp_preset_a": (style.PALETTE[5], "<", "-"),
    "deep_taylor": (style.PALETTE[1], "*", "--"),
    "pattern_net": (style.COLORS["pattern_net"], style.MARKERS["pattern_net"], "--"),
    "pattern_attribution": (style.COLORS["pattern_attribution"], style.MARKERS["pattern_attribution"], "-"),
    NOISE: ("0.7", "x", ":"),
}
# For a method that has no look of its own yet.
_OTHER: Final = ("0.3", "h", "-.")


def look_of(method: str) -> dict[str, Any]:
    """Return color, marker and line style of a method as keywords of ``plot``."""
    color, marker, line = _LOOKS.get(method, _OTHER)
    return {"color": color, "marker": marker, "linestyle": line}


def handles_of(methods: Iterable[str], *, lines: bool = True) -> list[Line2D]:
    """Return entries of a legend for methods, each once, in their order."""
    return [
        Line2D([], [], label=label_of(method), **(look_of(method) | ({} if lines else {"linestyle": ""})))
        for method in dict.fromkeys(methods)
    ]
