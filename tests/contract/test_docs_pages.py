"""Proves that the written pages keep their word: links lead somewhere, commands and flags exist."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def pages(repository: Path) -> list[Path]:
    return [
        repository / "README.md",
        repository / "CHANGELOG.md",
        *sorted((repository / "docs").rglob("*.md")),
    ]


def anchors(page: Path) -> set[str]:
    """Return the anchors that a Markdown renderer gives the headings of a page."""
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(page.read_text("utf-8")))
    return {word.strip().replace(" ", "-") for word in words}


def test_every_link_leads_somewhere(repository: Path) -> None:
    broken = []
    for page in pages(repository):
        for link in LINK.findall(page.read_text("utf-8")):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
                broken.append(f"{page.relative_to(repository)}: {link}")
    assert not broken


def test_every_page_can_be_reached_from_the_readme(repository: Path) -> None:
    seen: set[Path] = set()
    waiting = [repository / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        for link in LINK.findall(page.read_text("utf-8")):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.exists():
                waiting.append(target)
            if target.is_dir() and "docs" in target.parts:
                waiting += target.glob("*.md")
    lost = [str(page.relative_to(repository)) for page in pages(repository) if page not in seen]
    assert not lost


def fences(repository: Path, *languages: str) -> Iterator[tuple[str, str]]:
    for page in pages(repository):
        for language, text in FENCE.findall(page.read_text("utf-8")):
            if language in languages:
                yield str(page.relative_to(repository)), text


def test_the_readme_sets_up_with_exactly_two_commands(repository: Path) -> None:
    readme = (repository / "README.md").read_text("utf-8")
    start = readme.split("## Start")[1].split("\n## ")[0]
    lines = [line for _, text in FENCE.findall(start) for line in text.splitlines() if line.strip()]
    assert [line.split("#")[0].strip() for line in lines] == ["make run", "make test"]


def test_ci_runs_the_readmes_test_command(repository: Path) -> None:
    script = (repository / ".ci" / "run").read_text("utf-8")
    assert "make test" in [line.strip() for line in script.splitlines()]
    assert "CI=true" in script


def test_examples_in_toml_json_and_yaml_can_be_read(repository: Path) -> None:
    readers: dict[str, Callable[[str], object]] = {
        "toml": tomllib.loads,
        "json": json.loads,
        "yaml": yaml.safe_load,
    }
    count = 0
    for language, read in readers.items():
        for place, text in fences(repository, language):
            count += 1
            try:
                read(text)
            except (ValueError, yaml.YAMLError) as error:
                pytest.fail(f"{place}: this {language} example cannot be read: {error}\n{text}")
    assert count


def test_every_make_target_in_the_pages_exists(repository: Path) -> None:
    makefile = (repository / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    benchmarks = {f"bench-{path.stem.replace('_', '-')}" for path in (repository / "benchmarks").glob("*.py")}
    lines = [(place, line) for place, text in fences(repository, "sh") for line in text.splitlines()]
    lines += [
        (page.name, span)
        for page in pages(repository)
        for span in re.findall(r"`([^`\n]+)`", page.read_text("utf-8"))
    ]
    named = {(place, m[1]) for place, line in lines if (m := re.match(r"make ([A-Za-z][A-Za-z-]*)", line))}
    assert {"run", "test"} <= {target for _, target in named}
    assert not [entry for entry in sorted(named) if entry[1] not in targets | benchmarks | {"bench-NAME"}]


def test_every_command_and_flag_in_the_pages_exists(repository: Path) -> None:
    reference = (repository / "docs" / "reference" / "cli.md").read_text("utf-8")
    known = set(re.findall(r"carrythrough ([a-z][a-z-]*)", reference))
    wrong = []
    count = 0
    for place, text in fences(repository, "sh"):
        for line in text.replace("\\\n", " ").splitlines():
            match = re.match(r"(?:\$ )?(?:\.venv/bin/)?carrythrough ([a-z][a-z-]*)(.*)", line.strip())
            if not match or place.endswith("cli.md"):
                continue
            count += 1
            command, rest = match.groups()
            flags = re.findall(r"(?<!\S)(--[a-z][a-z-]*)", rest.split(" #")[0])
            if command not in known:
                wrong.append(f"{place}: carrythrough {command}")
            wrong += [f"{place}: {command} {flag}" for flag in flags if flag not in reference]
    assert count
    assert not wrong
