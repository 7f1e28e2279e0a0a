"""``netlens spread`` compares checkouts in which a study was run with what is published."""

import json
import shutil
from pathlib import Path

import pytest

from netlens.cli import main
from netlens.review.item_parts import item_parts
from netlens.review.published import Reference
from netlens.review.spread import load_spread
from netlens.workflow.catalogue import load_catalogue


@pytest.fixture(autouse=True)
def published(records):
    """Publish the one item that was made, and run it again in two folders, with other threads and another seed."""
    item = load_catalogue()["tableRows"]
    Reference("small").save(item.name, item.kind, item_parts(item, "small"), "first")
    for folder, changes in (("threads", {"threads": 2, "value": 3.14160}), ("seed", {"seed": 7, "value": 3.2})):
        shutil.copytree("export_defs", Path(folder) / "export_defs")
        record = Path(folder) / f"{records.stem}.json"
        record.write_text(json.dumps({**json.loads(record.read_text()), **changes}))


def spread(*arguments):
    return main(["spread", *arguments, "--study", "small"])


def test_the_deviations_are_printed_and_kept(capsys):
    assert spread("threads", "seed") == 0
    assert capsys.readouterr().out == (
        "2 threads: 1 item, 1 of 1 parts deviate\n"
        "     1e-05  tableRows: value\n"
        "  left out: tableLines: nothing is published of it\n"
        "seed 7: 1 item, 1 of 1 parts deviate\n"
        "     0.058  tableRows: value\n"
        "  left out: tableLines: nothing is published of it\n"
        "reference/small/spread.json\n"
    )
    kept = load_spread("small")
    assert kept.of("tableRows", "value") == pytest.approx({"2 threads": 1e-5, "seed 7": 0.0584})
    assert kept.of_seeds("tableRows", "value") == pytest.approx(0.0584)


def test_plain_data(capsys):
    assert spread("threads", "--json") == 0
    (rerun,) = json.loads(capsys.readouterr().out)["reruns"]
    assert rerun["setting"] == "2 threads"
    assert rerun["items"]["tableRows"]["value"] == pytest.approx(1e-5)
    assert rerun["left_out"] == {"tableLines": "nothing is published of it"}


def test_a_folder_without_a_run_is_one_line(capsys):
    assert spread("nowhere") == 2
    assert capsys.readouterr().err == "netlens: error: nowhere: no checkout in which study small was run\n"
    assert not Path("reference/small/spread.json").exists()


def test_without_a_reference_there_is_nothing_to_measure(capsys):
    shutil.rmtree("reference")
    assert spread("threads") == 2
    assert "nothing is published of study small" in capsys.readouterr().err
