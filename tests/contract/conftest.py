"""What the tests of schemas/openapi.yaml share: the document, its schemas, and the program map of a small server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema_rs import Draft202012Validator, Registry

BASE = "https://carrythrough.invalid/schemas/"
MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k], job_aid_minutes: 30}]
activities:
  - id: quiz
    name: Quiz
    match: {activity_prefix: "https://x.example/q/"}
    evidence: [{skill: calm, channel: learn, outcome: score}]
events: [{id: qa, match: {kind: qa-result}, evidence: [{skill: calm, channel: job}]}]
reinforcement:
  - {id: use-it, when: {stage: unapplied}, action: nudge, title: Use it, body: Try it, link: "https://x.example/n"}
policy: {holdout: 0.0, quiet: {from: "00:00", to: "00:00"}, days_off: []}
"""


@pytest.fixture(scope="session")
def program_map() -> str:
    return MAP


@pytest.fixture(scope="session")
def document(repository: Path) -> dict[str, Any]:
    value = yaml.safe_load((repository / "schemas" / "openapi.yaml").read_text("utf-8"))
    assert isinstance(value, dict)
    return value


@pytest.fixture(scope="session")
def registry(document: dict[str, Any], repository: Path) -> Registry:
    names = ("performance-event.schema.json", "enriched-statement.schema.json")
    parts = [(BASE + name, json.loads((repository / "schemas" / name).read_text("utf-8"))) for name in names]
    return Registry([(BASE + "openapi.yaml", document), *parts])


@pytest.fixture(scope="session")
def faults(registry: Registry) -> Callable[[str, Any], list[str]]:
    """Give `faults(pointer, value)`: what is wrong with a value by the schema at a pointer into the document."""

    def found(pointer: str, value: Any) -> list[str]:
        schema = {"$ref": f"{BASE}openapi.yaml#{pointer}"}
        checker = Draft202012Validator(schema, registry=registry, validate_formats=True)
        return [f"{error.instance_path}: {error.message}" for error in checker.iter_errors(value)]

    return found
