"""Studies written by ``netlens new``: what a network's file and a folder of images say of themselves.

Nothing is assumed silently. What neither the file nor the images say has to be given, and the message says how.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

from netlens.images.decoding import Framing
from netlens.images.file_sources import FolderError
from netlens.images.folder import Selection, counted_images, split_folder
from netlens.models.errors import NetworkError
from netlens.models.input_scaling import SCALING_LAYERS, passes_image
from netlens.models.inspection import NetworkFacts
from netlens.models.label_space import IMAGENET, imagenet, numbered, outputs_of, read_label_space
from netlens.workflow.errors import UserError
from netlens.workflow.image_specs import SpecError
from netlens.workflow.network_facts import network_facts
from netlens.workflow.network_specs import is_frozen
from netlens.workflow.study import load_study

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
#: Images on which preprocessings are tried.
_TRIED_COUNT: Final = 200
#: What the classes of most images are called in the study's first sentence.
_NAMED_CLASSES: Final = 4


@dataclass(frozen=True)
class Wishes:
    """What the user gives.

    Attributes
    ----------
    name
        Name of the study.
    network
        File of the network.
    images
        Folder or zip of the images.
    title, images_are
        What the paper calls the study and its images; empty for a first draft.
    preprocessing
        A key of `netlens.models.preprocessing_trial.USUAL`; empty to find it.
    size_px
        Height and width, for networks that take any; None otherwise.
    class_names
        File of class names, or ``imagenet``; empty if there is none.
    """

    name: str
    network: str
    images: str
    title: str = ""
    images_are: str = ""
    preprocessing: str = ""
    size_px: tuple[int, int] | None = None
    class_names: str = ""


@dataclass(frozen=True)
class Draft:
    """A study that has been written.

    Attributes
    ----------
    path
        Its file.
    notes
        What was found, one sentence each.
    """

    path: Path
    notes: tuple[str, ...]


def write_study(wishes: Wishes) -> Draft:
    """Inspect a network and a folder of images, and write a study of both to ``config/<name>.yaml``.

    Raises
    ------
    UserError
        One line: what does not fit, or what has to be given because nothing says it.
    """
    path = _new_file(wishes.name)
    try:
        classes = tuple(counted_images(wishes.images, Selection()))
    except (FileNotFoundError, FolderError) as error:
        raise UserError(str(error)) from None
    network = _key(Path(wishes.network).stem, "network")
    images = _key(Path(wishes.images).stem, "images")
    spec: dict[str, Any] = {"kind": "file", "file": wishes.network, "images": images}
    if wishes.size_px:
        spec["size_px"] = list(wishes.size_px)
    facts = _facts(network, spec)
    size = _size(wishes, facts)
    notes = [
        f"{wishes.network}: {size[0]} x {size[1]} pixels, {facts.outputs_count} outputs ({_ending(facts)}), "
        f"{facts.kernel_layers_count} layers with kernels",
        f"{wishes.images}: {len(classes)} classes, {_some(classes)}",
    ]
    spec |= _classes(wishes, facts, classes)
    if spec.get("class_names") == list(classes):
        notes.append(
            f"its {len(classes)} outputs are taken for the {len(classes)} classes, in the order of their names"
        )
    preprocessing, why = _preprocessing(wishes, network, spec, facts, size)
    spec["preprocessing"] = preprocessing
    notes += why
    path.write_text(_text(wishes, classes, {images: (wishes.images, size)}, {network: spec}), encoding="utf-8")
    try:
        load_study(str(path))
    except UserError:
        path.unlink()
        raise
    return Draft(path, tuple(notes))


def _new_file(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise UserError(f"a study cannot be called {name!r}: use small letters, digits and underscores")
    path = Path("config") / f"{name}.yaml"
    if path.exists():
        raise UserError(f"{path} exists already; choose another name, or remove it")
    if not Path("config/schema.yaml").is_file():
        raise UserError("there is no config/schema.yaml here; run this in the folder that holds config/ and notebooks/")
    return path


def _facts(network: str, spec: Mapping[str, Any]) -> NetworkFacts:
    if not Path(spec["file"]).expanduser().is_file():
        raise UserError(f"{spec['file']}: no such network file")
    if Path(spec["file"]).suffix not in {".h5", ".hdf5", ".keras", ".pb"}:
        raise UserError(f"{spec['file']}: not a network file; give a .h5, .keras or .pb file")
    try:
        (facts,) = network_facts({"networks": {network: dict(spec)}, "images": {}, "study": ""}).values()
    except SpecError as error:
        raise UserError(str(error).removeprefix(f"networks.{network}: ")) from None
    return facts


def _size(wishes: Wishes, facts: NetworkFacts) -> tuple[int, int]:
    found = facts.size_px if wishes.size_px is None else wishes.size_px
    for own, wanted in zip(facts.size_px, found, strict=True):
        if wanted is None:
            raise UserError(f"{wishes.network} takes images of any size; give one: --size-px HEIGHT WIDTH")
        if own not in (None, wanted):
            raise UserError(f"{wishes.network} takes {facts.size_px[0]} x {facts.size_px[1]} pixels; omit --size-px")
    height, width = found
    return int(height or 0), int(width or 0)


def _classes(wishes: Wishes, facts: NetworkFacts, classes: tuple[str, ...]) -> dict[str, Any]:
    """Class names of the network, if they are needed to match its outputs with the folders."""
    if wishes.class_names:
        return {"class_names": wishes.class_names}
    space = imagenet()
    if facts.outputs_count == len(space.names) and (outputs_of(classes, (), space) >= 0).any():
        return {"class_names": IMAGENET}
    if facts.ending != "features" and facts.outputs_count == len(classes):
        return {"class_names": list(classes)}
    return {}


def _preprocessing(
    wishes: Wishes, network: str, spec: Mapping[str, Any], facts: NetworkFacts, size: tuple[int, int]
) -> tuple[Any, list[str]]:
    """Preprocessing for the study, and what was found about it."""
    from netlens.models.preprocessing_trial import USUAL

    # What augments images is a linear activation here; no network begins with another.
    first = takewhile(lambda layer: layer.kind in SCALING_LAYERS or passes_image(layer.kind, "linear"), facts.layers)
    own = next((layer for layer in first if layer.kind in SCALING_LAYERS), None)
    given = wishes.preprocessing or ("none" if own else "")
    if wishes.preprocessing and wishes.preprocessing not in USUAL:
        raise UserError(f"--preprocessing {wishes.preprocessing}: choose one of {', '.join(USUAL)}")
    notes = []
    if own and not wishes.preprocessing:
        notes.append(f"its layer {own.name!r} ({own.kind}) scales the images, so preprocessing is none")
    trial = _trial(wishes, network, spec, facts, size)
    if trial is None:
        if not given:
            raise UserError(
                f"neither {wishes.network} nor its outputs say how its images are scaled; pass --preprocessing and one "
                f"of {', '.join(USUAL)}"
            )
        return USUAL[given], [*notes, f"preprocessing {given} could not be checked, as no folder is a known class"]
    found = ", ".join(f"{name} {share:.0%}" for name, share in trial.shares.items())
    told = f"correct of {trial.count} images: {found} (chance: {trial.chance:.0%})"
    best = given or trial.clear()
    if best is None:
        raise UserError(f"{told}; no preprocessing is clearly right, so pass --preprocessing with the one it had")
    notes.append(told)
    if not trial.is_above_chance(best):
        twice = own and best != "none"
        hint = f"its layer {own.name!r} scales images too: scaled twice? try none" if twice and own else "is it right?"
        notes.append(f"warning: with preprocessing {best} the network is no better than chance; {hint}")
    return USUAL[best], [*notes, f"preprocessing: {best}"]


def _trial(
    wishes: Wishes, network: str, spec: Mapping[str, Any], facts: NetworkFacts, size: tuple[int, int]
) -> Any | None:
    """What the network says of some images with each preprocessing; None if it knows none of their classes."""
    if facts.ending == "features" and "class_names" not in spec:
        return None
    classes = tuple(counted_images(wishes.images, Selection()))
    per_class = max(1, _TRIED_COUNT // len(classes))
    selection = Selection(train_per_class=1, heldout_per_class=per_class)
    try:
        space = read_label_space(spec.get("class_names")) or numbered(facts.outputs_count or 0)
        outputs = outputs_of(classes, (), space)
        if (outputs < 0).all():
            return None
        heldout = split_folder(wishes.images, Framing(*size), selection, progress=False).heldout
    except (FolderError, NetworkError, FileNotFoundError) as error:
        raise UserError(str(error)) from None
    labels = outputs[heldout.labels]
    places = np.flatnonzero(labels >= 0)[: 2 * _TRIED_COUNT]
    pictures = np.stack([np.asarray(heldout.images[int(place)]) for place in places])
    return _tried(network, spec, pictures, labels[places])


def _tried(network: str, spec: Mapping[str, Any], images: Any, labels: Any) -> Any:
    plain = {**spec, "preprocessing": "none"}
    try:
        with _without_messages_of_libraries():
            # TensorFlow takes seconds to start, and whoever makes a mistake before this point need not wait for it.
            from netlens.models.frozen.graph_files import frozen_network
            from netlens.models.loading import load_network
            from netlens.models.prepared import frozen_predictor
            from netlens.models.preprocessing_trial import tried

            if is_frozen(plain):
                with frozen_predictor(frozen_network(plain, name=network)) as model:
                    return tried(model.predict_on_batch, images, labels)
            return tried(load_network(plain, name=network).model.predict_on_batch, images, labels)
    except (NetworkError, FileNotFoundError) as error:
        raise UserError(str(error)) from None


@contextmanager
def _without_messages_of_libraries() -> Iterator[None]:
    """Keep what is written to stderr, by compiled code too, from the terminal; an error of the code shows it after all.

    TensorFlow writes a dozen lines about its own build and its deprecations before the first image has passed.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        told = b""
        try:
            yield
        except (NetworkError, FileNotFoundError):
            raise
        except BaseException:
            sys.stderr.flush()
            kept.seek(0)
            told = kept.read()
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            os.write(2, told)


def _text(
    wishes: Wishes,
    classes: tuple[str, ...],
    images: Mapping[str, tuple[str, tuple[int, int]]],
    networks: Mapping[str, Mapping[str, Any]],
) -> str:
    described = wishes.images_are or f"images of {_some(classes)}"
    head = {"study": wishes.name, "title": wishes.title or wishes.name.replace("_", " ").capitalize()}
    lines = [
        f"# Written by `netlens new`. config/schema.yaml describes every key; text of this study's own: "
        f"paper/studies/{wishes.name}.tex",
        *(_line(key, value) for key, value in head.items()),
        f"{_line('authors', ['The netlens authors'])}  # printed on the paper's first page; write who you are",
        f"{_line('images_are', described)}  # printed on the paper's first page; say more about them",
        "images:",
        *(
            "  " + _line(name, {"kind": "folder", "folder": folder, "size_px": list(size)})
            for name, (folder, size) in images.items()
        ),
        "networks:",
        *("  " + _line(name, dict(spec)) for name, spec in networks.items()),
    ]
    return "\n".join(lines) + "\n"


def _line(key: str, value: Any) -> str:
    """One line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True, sort_keys=False)
    return f"{key}: {text.removesuffix('...' + chr(10)).strip()}"


def _key(text: str, otherwise: str) -> str:
    """Name of a network or image set, made from the name of its file."""
    key = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return key if _NAME.fullmatch(key) else otherwise


def _ending(facts: NetworkFacts) -> str:
    return {"softmax": "classes", "dense": "probably logits", "features": "features"}[facts.ending]


def _some(classes: tuple[str, ...]) -> str:
    shown = [name.replace("_", " ") for name in classes[:_NAMED_CLASSES]]
    if len(classes) > len(shown):
        return f"{', '.join(shown)} and {len(classes) - len(shown)} more"
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]
