"""pyproject.toml, the pins, environment.yml and CITATION.cff say the same; the pins are hashed and name no host."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.11", "3.12", "3.13")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FILES = ("build", "cpu", "gpu", "uv")


def entries(name: str) -> list[tuple[Requirement, list[str]]]:
    """The requirements of a pin file with their hashes."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ")
    lines = [line.split(" --hash=") for line in text.splitlines() if line and not line.startswith("#")]
    return [(Requirement(first.strip()), [digest.strip() for digest in digests]) for first, *digests in lines]


def pinned(name: str, python: str) -> dict[str, str]:
    """The version of every package that is installed with a Python."""
    environment = {
        **default_environment(), "python_version": python, "python_full_version": f"{python}.5",
        "sys_platform": "linux", "platform_machine": "x86_64", "implementation_name": "cpython",
    }  # fmt: skip
    found: dict[str, str] = {}
    for requirement, _ in entries(name):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            key = canonicalize_name(requirement.name)
            assert key not in found, f"{key} is pinned twice for Python {python}"
            found[key] = str(requirement.specifier).removeprefix("==")
    return found


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_one_version_with_sha256(name):
    assert entries(name)
    for requirement, digests in entries(name):
        assert re.fullmatch(r"==[\w.+!]+", str(requirement.specifier)), requirement
        assert digests, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in digests), requirement


@pytest.mark.parametrize("name", FILES)
def test_no_pin_names_an_index_or_a_host(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert not re.search(r"://|--(?!hash=)| @ |-i ", text)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_every_dependency_is_pinned_at_a_version_that_satisfies_it(device, python):
    pins = pinned(device, python)
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras[device], *extras["dev"]]
    for requirement in map(Requirement, wanted):
        version = pins.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not in requirements/{device}.txt: make pins"
        assert requirement.specifier.contains(version, prereleases=True), (
            f"requirements/{device}.txt has {requirement.name} {version}, pyproject.toml wants {requirement}: make pins"
        )


@pytest.mark.parametrize("python", PYTHONS)
def test_cpu_and_gpu_differ_by_tensorflow_and_nvidia_only(python):
    cpu, gpu = pinned("cpu", python), pinned("gpu", python)
    assert cpu.pop("tensorflow-cpu") == gpu.pop("tensorflow")
    assert {name: version for name, version in gpu.items() if not name.startswith("nvidia-")} == cpu
    assert any(name.startswith("nvidia-") for name in gpu)


def test_the_build_tools_are_those_that_the_build_asks_for():
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    build = pinned("build", "3.11")
    assert {"pip", "setuptools", "wheel"} <= set(build)
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(build[requirement.name])
    # What build.txt installs first must not be changed by the packages.
    packages = pinned("cpu", "3.11")
    assert {name: packages[name] for name in build if name in packages} == {
        name: build[name] for name in build if name in packages
    }


def test_the_range_of_pythons_is_the_same_everywhere(install):
    wanted = SpecifierSet(PROJECT["requires-python"])
    accepted = [minor for minor in range(20) if wanted.contains(f"3.{minor}.5")]
    assert [f"3.{minor}" for minor in accepted] == list(PYTHONS)
    oldest, newest = install.OLDEST, install.NEWEST
    assert oldest == (3, accepted[0])
    assert newest == (3, accepted[-1])
    assert all(python in install.VERSIONS for python in PYTHONS)

    conda = [line for line in environment_yml()["dependencies"] if line.startswith("python ")]
    assert [SpecifierSet(line.removeprefix("python ")) for line in conda] == [wanted]


def environment_yml() -> dict:
    return yaml.safe_load((ROOT / "environment.yml").read_text())


def test_conda_brings_python_and_tex_and_leaves_the_packages_to_the_pins(install, monkeypatch, tmp_path):
    environment = environment_yml()
    names = {re.split(r"[ =<>]", line)[0] for line in environment["dependencies"]}
    assert names == {"python", "pip", "make", "tectonic"}
    assert not names & set(pinned("cpu", "3.11"))
    # The variables are what makes `make env` install the pins there.
    for name, value in environment["variables"].items():
        assert isinstance(value, str), name
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path))
    assert install.Place().folder == tmp_path


def test_the_only_package_without_a_wheel_is_one_that_is_pinned(install):
    assert canonicalize_name(install.SOURCE_ONLY) in pinned("cpu", "3.11")


def test_the_citation_has_the_projects_version_and_licence():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert [author["name"] for author in citation["authors"]] == [author["name"] for author in PROJECT["authors"]]
    assert (ROOT / "LICENSE").read_text().startswith(f"{PROJECT['license']} License")
