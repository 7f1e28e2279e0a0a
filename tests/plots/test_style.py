"""The look that all figures share."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
import seaborn as sns
from matplotlib.colors import to_hex

from netlens.plots import style


@pytest.mark.parametrize(
    ("at", "color"), [(0.0, "#0571b0"), (0.25, "#92c5de"), (0.5, "#f7f7f7"), (0.75, "#f4a582"), (1.0, "#ca0020")]
)
def test_diverging_colours_pass_through_the_five_named_ones(at, color):
    found = np.array(style.diverging()(at)[:3])
    wanted = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    assert np.abs(found - wanted).max() <= 1 / 255


def test_clipped_values_take_the_end_colours():
    assert to_hex(style.diverging()(-1.0)) == "#0571b0"
    assert to_hex(style.diverging()(2.0)) == "#ca0020"


def test_the_palette_is_seaborns():
    assert tuple(sns.color_palette("colorblind")) == style.PALETTE


def test_pictures_look_as_charts_do():
    with mpl.rc_context():
        mpl.rcdefaults()
        style.paper()
        charts = dict(mpl.rcParams)
        mpl.rcdefaults()
        style.pictures()
        pictures = dict(mpl.rcParams)
    different = {name for name in charts if charts[name] != pictures[name] and not name.startswith("backend")}
    assert different == {"image.cmap"}


@pytest.mark.slow
def test_pictures_do_without_seaborn():
    script = "import sys; from netlens.plots import style; style.pictures(); sys.exit('seaborn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
