"""One version, and files that agree with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import henderson

ROOT = Path(__file__).resolve().parents[1]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


PROJECT = tomllib.loads(text("pyproject.toml"))


def test_the_version_stands_in_one_place():
    assert "version" not in PROJECT["project"]
    assert re.search(rf'^version: "?{re.escape(henderson.__version__)}"?$', text("CITATION.cff"), re.M)
    assert f"## {henderson.__version__}" in text("CHANGELOG.md")


def test_the_extras_are_those_promised():
    assert {"plot", "cli", "test", "docs", "bench", "all"} <= set(PROJECT["project"]["optional-dependencies"])


def test_the_required_packages_are_those_promised():
    names = {re.match(r"[a-z]+", requirement).group() for requirement in PROJECT["project"]["dependencies"]}
    assert names == {"numpy", "scipy", "pandas", "narwhals", "formulaic", "threadpoolctl"}


def test_the_makefile_builds_with_what_the_build_requires():
    for requirement in PROJECT["build-system"]["requires"]:
        assert f'"{requirement}"' in text("Makefile")


def test_the_package_is_typed():
    assert (Path(henderson.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize("command", ["make demo", "make test", "pip install ."])
def test_the_readme_names_the_set_up_commands(command):
    assert command in text("README.md")


def test_every_command_in_the_readme_is_a_target():
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.M))
    assert set(re.findall(r"make ([a-z-]+)", text("README.md"))) <= targets


def test_the_readme_shows_what_its_example_prints(capsys):
    code, printed = re.findall(r"```(?:python)?\n(.*?)```", text("README.md"), re.S)[:2]
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.split() == printed.split()
