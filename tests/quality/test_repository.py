"""What the repository promises about itself is true: links, packages, containers."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted({
    *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("src/**/README.md")
})  # fmt: skip
PACKAGES = sorted(ROOT.glob("src/*/package.xml"))
DOCKERFILES = sorted(ROOT.glob("docker/*.Dockerfile"))
COMPOSE_FILES = sorted(ROOT.glob("docker/compose*.yaml"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _instructions(dockerfile: Path, word: str) -> list[str]:
    """The arguments of every instruction `word`, with continued lines joined."""
    text = dockerfile.read_text().replace("\\\n", " ")
    return [line.split(maxsplit=1)[1] for line in text.splitlines() if line.startswith(f"{word} ")]


def _build_sections() -> list[tuple[Path, dict[str, Any]]]:
    services = [(file, yaml.safe_load(file.read_text())["services"]) for file in COMPOSE_FILES]
    return [(file, s["build"]) for file, found in services for s in found.values() if "build" in s]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    local = [target.split("#")[0] for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_packages_agree_on_version_and_license() -> None:
    roots = [ElementTree.parse(file).getroot() for file in PACKAGES]
    assert len({root.findtext("version") for root in roots}) == 1
    assert {root.findtext("license") for root in roots} == {"Apache-2.0"}
    assert "Apache License" in (ROOT / "LICENSE").read_text()


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=_name)
def test_images_are_pinned_and_do_not_run_as_root(dockerfile: Path) -> None:
    for image in _instructions(dockerfile, "FROM"):
        assert re.search(r":[\w.-]+", image), f"{image} has no tag"
        assert ":latest" not in image
    assert _instructions(dockerfile, "USER")[-1] not in ("root", "0")


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=_name)
def test_images_copy_what_exists(dockerfile: Path) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for copied in _instructions(dockerfile, "COPY"):
        for source in copied.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source.rstrip('/')}" in ignored, f".dockerignore hides {source}"


def test_compose_builds_from_files_that_exist() -> None:
    assert _build_sections()
    for file, build in _build_sections():
        assert (file.parent / build["context"] / build["dockerfile"]).is_file()
