import copy
import json
import sys
import time
from pathlib import Path

from netlens.workflow.executed import RUNNER_TAG, tidied, without_folders

NOISE = (
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    "I0000 00:00:1795892883.726640    7834 port.cc:153] oneDNN custom operations are on.\n"
)


def stream(text, name="stderr"):
    return {"output_type": "stream", "name": name, "text": text.splitlines(keepends=True)}


def notebook(*outputs, tags=(), source="x"):
    cell = {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": source, "outputs": list(outputs)}
    return {"cells": [cell], "metadata": {"papermill": {"input_path": "staging/prepared.ipynb"}}, "nbformat": 4}


def tidy(executed):
    return tidied(executed, "notebooks/item.ipynb", lambda text: text.replace("staging/out/", ""))


def test_the_runners_own_cell_is_taken_out_and_the_stored_notebook_is_named():
    executed = notebook()
    executed["cells"] += notebook(tags=[RUNNER_TAG])["cells"]
    result = tidy(executed)
    assert len(result["cells"]) == 1
    assert result["metadata"]["papermill"]["input_path"] == "notebooks/item.ipynb"


def test_start_up_noise_goes_and_what_a_notebook_says_stays():
    result = tidy(notebook(stream(NOISE), stream(NOISE + "a real warning\n"), stream("printed\n", "stdout")))
    assert [("".join(o["text"]), o["name"]) for o in result["cells"][0]["outputs"]] == [
        ("a real warning\n", "stderr"), ("printed\n", "stdout"),
    ]  # fmt: skip


def test_advice_of_keras_goes_with_the_line_of_code_below_it():
    advice = "/env/lib/site-packages/tf_keras/src/engine/training.py:3098: UserWarning: saving as HDF5\n  save_model(\n"
    text = f"{advice}/env/lib/site-packages/ours.py:1: UserWarning: this stays\n  ours()\n"
    outputs = tidy(notebook(stream(text)))["cells"][0]["outputs"]
    assert "".join(outputs[0]["text"]) == "/env/lib/site-packages/ours.py:1: UserWarning: this stays\n  ours()\n"


def test_only_noise_leaves_no_output():
    assert tidy(notebook(stream(NOISE)))["cells"][0]["outputs"] == []


def test_an_error_of_tensorflow_that_is_no_noise_stays():
    text = "E0000 00:00:1795892883.726640    7834 cuda.cc:1] failed call to cuInit\n"
    assert "".join(tidy(notebook(stream(text)))["cells"][0]["outputs"][0]["text"]) == text


def test_a_progress_bar_is_kept_as_it_stood_last():
    bars = [
        stream("\rsums:   0%|  | 0/9"),
        stream("\rsums:  50%|# | 4/9"),
        stream("\rsums: 100%|##| 9/9"),
        stream("\n"),
    ]
    assert "".join(tidy(notebook(*bars))["cells"][0]["outputs"][0]["text"]) == "sums: 100%|##| 9/9\n"


def test_paths_are_the_final_ones_in_sources_outputs_and_metadata():
    output = {"output_type": "execute_result", "data": {"text/plain": ["staging/out/figures/a.png"]}, "metadata": {}}
    executed = notebook(output, source="stem = 'staging/out/figures/a'")
    executed["metadata"]["papermill"]["parameters"] = {"stem": "staging/out/figures/a"}
    given = copy.deepcopy(executed)
    result = tidy(executed)
    assert executed == given
    assert result["cells"][0]["source"] == "stem = 'figures/a'"
    assert result["cells"][0]["outputs"][0]["data"]["text/plain"] == ["figures/a.png"]
    assert result["metadata"]["papermill"]["parameters"] == {"stem": "figures/a"}


def test_numbers_that_json_does_not_have_are_words():
    data = {"application/json": {"values": [1.5, float("nan"), float("inf"), True]}}
    result = tidy(notebook({"output_type": "display_data", "data": data, "metadata": {}}))
    (output,) = result["cells"][0]["outputs"]
    assert output["data"] == {"application/json": {"values": [1.5, "nan", "inf", True]}}
    json.dumps(result, allow_nan=False)


def test_paths_do_not_say_where_things_are_on_this_machine(tmp_path, monkeypatch):
    home = tmp_path / "jane"
    monkeypatch.setattr(Path, "home", lambda: home)
    monkeypatch.setattr(sys, "prefix", str(home / "netlens" / ".venv"))
    (home / "netlens").mkdir(parents=True)
    monkeypatch.chdir(home / "netlens")
    told = f"{home}/netlens/src/a.py:3 {home}/netlens/.venv/lib/b.py {home}/cat.jpg {home}/netlens-2/c {home}"
    assert without_folders(told) == "./src/a.py:3 (environment)/lib/b.py ~/cat.jpg ~/netlens-2/c ~"
    assert without_folders(f"{home}2/d {home}.old") == f"{home}2/d {home}.old"
    warned = "/tmp/netlens-41d9222a/ipykernel_26017/1479924184.py:2: UserWarning: rare"
    assert without_folders(warned) == "(cell):2: UserWarning: rare"
    assert (
        without_folders(f"a '{warned}'\n{warned}\n") == "a '(cell):2: UserWarning: rare'\n(cell):2: UserWarning: rare\n"
    )


def test_a_picture_of_megabytes_takes_no_time():
    picture = "iVBORw0KGgo/" * 500_000
    started = time.process_time()
    assert without_folders(picture) == picture
    assert time.process_time() - started < 5
