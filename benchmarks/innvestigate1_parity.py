"""Patterns and heat maps of a small network by iNNvestigate 1.0.8 itself, beside ours.

iNNvestigate 1 had PatternNet and PatternAttribution, and was written for Keras 2.2 on TensorFlow 1. Its wheel is
installed into an environment of its own, with the newest Keras that is a package of its own (2.3.1) and a TensorFlow
that Python 3.11 has (2.15.1), seen through its version 1 interface. Names that have moved since are put back in that
process alone. Both sides get the same network, weights and images; the heat maps also the same patterns. iNNvestigate 1
computes in float64 here, since its sums over images in float32 are off by 2e-6; our analyzers compute in float32.
Differences are relative to the largest value of each array.

    python benchmarks/innvestigate1_parity.py                     # makes the environment: 600 MB, some minutes
    python benchmarks/innvestigate1_parity.py --environment DIR   # in a folder that is kept
    python benchmarks/innvestigate1_parity.py --record benchmarks/innvestigate1_parity.json    # keeps the result
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = (
    "tensorflow-cpu==2.15.1",
    "numpy==1.23.5",
    "scipy==1.11.4",
    "matplotlib==3.8.4",
    "h5py",
    "pillow",
    "pyyaml",
    "future",
)
# Keras 2.15 would come with TensorFlow, and iNNvestigate asks for Keras 2.2.4, whose TensorFlow is gone.
WITHOUT_DEPENDENCIES = (
    "innvestigate==1.0.8", "keras==2.3.1", "keras-applications==1.0.8", "keras-preprocessing==1.1.2",
    "tf-keras==2.15.1",
)  # fmt: skip
PYTHONS = ((3, 9), (3, 12))
ESTIMATORS = ("relu", "linear")
METHODS = ("gradient", "pattern.net", "pattern.attribution")
IMAGES, SIZE_PX, CLASSES = 256, 16, 5
LIMIT = 1e-6


def architecture(layers: Any, models: Any) -> Any:
    """Build the network with either Keras."""
    return models.Sequential(
        [
            layers.Conv2D(8, 3, padding="same", activation="relu", input_shape=(SIZE_PX, SIZE_PX, 3)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(12, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(CLASSES),
        ]
    )


def given() -> tuple[list[np.ndarray], np.ndarray]:
    """Draw weights, as of ``set_weights``, and images."""
    rng = np.random.default_rng(0)
    shapes = [(3, 3, 3, 8), (3, 3, 8, 8), (3, 3, 8, 12), (7 * 7 * 12, 16), (16, CLASSES)]
    weights: list[np.ndarray] = []
    for shape in shapes:
        weights += [rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape), rng.normal(0, 0.1, shape[-1])]
    images = rng.standard_normal((IMAGES, SIZE_PX, SIZE_PX, 3)) + rng.standard_normal((IMAGES, 1, 1, 3))
    return [each.astype(np.float32) for each in weights], images.astype(np.float32)


def theirs(folder: Path) -> None:
    """Compute everything with iNNvestigate 1, in the process that has it."""
    import collections
    import collections.abc

    for name in ("Callable", "Iterable", "Mapping", "Sequence"):  # Python 3.10 moved them
        setattr(collections, name, getattr(collections.abc, name))
    import tensorflow.compat.v1 as tf1
    from tensorflow.python.framework import ops

    sys.modules["tensorflow"] = tf1
    tf1.disable_v2_behavior()
    tf1.__version__ = "1.15.0"  # Keras 2.3 looks at it
    ops._TensorLike = tf1.Tensor
    ops.is_dense_tensor_like = lambda value: isinstance(value, tf1.Tensor | tf1.Variable)
    import innvestigate
    import keras
    from innvestigate.tools import PatternComputer

    keras.backend.set_floatx("float64")
    arrays = np.load(folder / "given.npz")
    model = architecture(keras.layers, keras.models)
    model.set_weights([arrays[f"weight{place}"] for place in range(len(model.get_weights()))])
    images = arrays["images"]
    found = {"logits": model.predict(images[:8])}
    for estimator in ESTIMATORS:
        patterns = PatternComputer(model, pattern_type=estimator).compute(images)
        found |= {f"{estimator}{place}": pattern for place, pattern in enumerate(patterns)}
    used = [arrays[f"pattern{place}"] for place in range(len(patterns))]
    for method in METHODS:
        options = {"patterns": used} if method.startswith("pattern") else {}
        analyzer = innvestigate.create_analyzer(method, model, **options)
        found[method] = analyzer.analyze(images[:8])
    np.savez(folder / "theirs.npz", **found)


def ours(folder: Path) -> dict[str, np.ndarray]:
    """Compute the same with netlens, and leave what both sides get in `folder`."""
    from netlens.models.backend import keras

    # isort: split
    import innvestigate

    from netlens.models.keras.kernel_layers import kernel_layers
    from netlens.pattern_attribution.analyzers import pattern_analyzers
    from netlens.pattern_attribution.patterns.accumulation import pattern_sums
    from netlens.pattern_attribution.patterns.estimators import estimate

    pattern_analyzers.register()
    weights, images = given()
    model = architecture(keras.layers, keras.models)
    model.set_weights(weights)
    names = [layer.name for layer in kernel_layers(model)]
    kernels = dict(zip(names, weights[::2], strict=True))
    sums = pattern_sums(model, images, estimators=ESTIMATORS, precision="float64", progress=False)
    found = {"logits": model.predict(images[:8])}
    for estimator in ESTIMATORS:
        patterns = estimate(sums, kernels, estimator)
        found |= {f"{estimator}{place}": patterns[name] for place, name in enumerate(names)}
    used = [found[f"relu{place}"].astype(np.float32) for place in range(len(names))]
    for method in METHODS:
        options: dict[str, Any] = (
            # What iNNvestigate 1 does unless it is told otherwise.
            {"patterns": used, "reverse_project_bottleneck_layers": True} if method.startswith("pattern") else {}
        )
        found[method] = innvestigate.create_analyzer(method, model, **options).analyze(images[:8])
    np.savez(
        folder / "given.npz",
        images=images,
        **{f"weight{place}": weight for place, weight in enumerate(weights)},
        **{f"pattern{place}": pattern for place, pattern in enumerate(used)},
    )
    return found


def environment(folder: Path) -> Path:
    """Return the Python of an environment with iNNvestigate 1, which is made where it is not there."""
    python = folder / "bin" / "python"
    if not (folder / "complete").is_file():
        if not PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
            raise SystemExit("needs Python 3.9, 3.10 or 3.11, for TensorFlow 2.15")
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        for packages in (PACKAGES, ("--no-deps", *WITHOUT_DEPENDENCIES)):
            if subprocess.run([*install, *packages], check=False).returncode:
                raise SystemExit(f"needs a package index that has {' '.join(packages)}")
        (folder / "complete").touch()
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environment", type=Path, help="folder of the environment; made if it is not there")
    parser.add_argument("--record", type=Path, help="JSON file that keeps the result")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        theirs(arguments.worker)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        python = environment(arguments.environment or folder / "environment")
        found = ours(folder)
        # TensorFlow 2.15 leaves the name keras to Keras 2.3 if its own is tf_keras.
        variables = {"PATH": os.environ["PATH"], "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(
            [str(python), __file__, "--worker", str(folder)], env=variables, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"iNNvestigate 1 failed: {done.stderr.strip().splitlines()[-1]}")
        other = dict(np.load(folder / "theirs.npz"))
        frozen = subprocess.run([str(python), "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    differences = {
        name: float(np.abs(found[name] - value).max() / np.abs(value).max()) for name, value in sorted(other.items())
    }
    for name, difference in differences.items():
        print(f"{name:<24} {difference:.1e}{'' if difference <= LIMIT else '   above 1e-6'}")
    if arguments.record:
        record = {
            "benchmark": "innvestigate1_parity",
            "python": ".".join(map(str, sys.version_info[:3])),
            "packages": sorted(frozen.split()),
            "images": IMAGES,
            "relative_differences": differences,
        }
        arguments.record.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    worst = max(differences.values())
    print(f"largest difference: {worst:.1e} of the largest value (limit {LIMIT:.0e})")
    if worst > LIMIT:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
