"""Generated statements of about 1 KB that use the whole model, no two alike; for machines without the real ones."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

VERBS = ("answered", "completed", "passed", "failed", "experienced", "attempted", "interacted", "launched")
LANGUAGES = ("en-US", "de", "fr-CA", "pt-BR", "zh-Hant", "sr-Latn-RS", "es-419")
WORDS = ("call", "order", "refund", "delay", "angry", "calm", "listen", "policy", "invoice", "offer", "close")


def varied(count: int, people: int, activities: int, seed: int = 7) -> Iterator[bytes]:
    """Yield `count` statements by so many people about so many activities; 0: each has its own."""
    chance = random.Random(seed)
    for number in range(count):
        who = chance.randrange(people) if people else number
        what = chance.randrange(activities) if activities else number
        yield json.dumps(_statement(chance, who, what, apart=not activities), separators=(",", ":")).encode()


def _statement(chance: random.Random, who: int, what: int, *, apart: bool) -> dict[str, Any]:
    verb = f"{chance.choice(VERBS)}{what if apart else ''}"
    course = what if apart else what // 25
    raw = chance.randrange(0, 4001) / 100
    language = LANGUAGES[what % len(LANGUAGES)]
    return {
        "id": _uuid(chance),
        "actor": _actor(who),
        "verb": {"id": f"http://adlnet.gov/expapi/verbs/{verb}", "display": {language: verb}},
        "object": _activity(what, language),
        "result": {
            "score": {"scaled": round(raw / 40, 4), "raw": raw, "min": 0, "max": 40},
            "success": raw >= 20,
            "completion": True,
            "response": " ".join(chance.choices(WORDS, k=6)),
            "duration": f"PT{chance.randrange(60)}M{chance.randrange(6000) / 100:g}S",
            "extensions": {
                "https://sim.example.org/ext/turns": chance.randrange(40),
                f"https://sim.example.org/ext/{'x' + str(what) if apart else 'hints'}": chance.random() < 0.3,
            },
        },
        "context": {
            "registration": _uuid(chance),
            "platform": "Example LMS 4.5",
            "language": language,
            "contextActivities": {
                "parent": [{"objectType": "Activity", "id": f"https://lms.example.org/course/{course}"}],
                "category": [
                    {"id": f"https://w3id.org/xapi/{'x' + str(what) if apart else 'cmi5'}/categories"}
                ],
            },
            "extensions": {"https://lms.example.org/ext/session": _uuid(chance)},
        },
        "timestamp": f"2026-0{chance.randrange(1, 10)}-{chance.randrange(1, 29):02d}T{chance.randrange(24):02d}:"
        f"{chance.randrange(60):02d}:{chance.randrange(60):02d}.{chance.randrange(1000):03d}Z",
    }


def _actor(who: int) -> dict[str, Any]:
    if who % 3 == 0:
        return {"objectType": "Agent", "name": f"Person {who}", "mbox": f"mailto:person.{who}@example.org"}
    return {
        "objectType": "Agent",
        "name": f"Person {who}",
        "account": {"homePage": "https://lms.example.org", "name": f"user-{who}"},
    }


def _activity(what: int, language: str) -> dict[str, Any]:
    return {
        "objectType": "Activity",
        "id": f"https://lms.example.org/course/{what // 25}/unit/{what}",
        "definition": {
            "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
            "name": {language: f"Unit {what}: what would you say next?"},
            "description": {language: "A caller whose order did not arrive, twice, and who is in a hurry."},
            "interactionType": "choice",
            "correctResponsesPattern": ["b"],
            "choices": [{"id": c, "description": {language: f"Answer {c.upper()}"}} for c in "abcd"],
        },
    }


def _uuid(chance: random.Random) -> str:
    h = f"{chance.getrandbits(128):032x}"
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"
