"""A badge as plain JSON: Open Badges 3.0 (an AchievementCredential of the W3C VC data model 2.0), not yet signed.

Whoever holds it learns what was achieved, when, and from whom; of the person only an id that stands nowhere else,
and a name where the person asked for it. No score, no evidence, no place of work.
"""

from __future__ import annotations

import datetime as dt
import hmac
import uuid
from hashlib import sha256
from typing import Any

from carrythrough.program.types import Skill

CONTEXTS = (
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
)
ISSUER_PATH = "/v1/badges/issuer"
ACHIEVEMENTS_PATH = "/v1/badges/achievements"


def issuer(base: str, name: str) -> dict[str, Any]:
    """Return the profile of the issuer. base: public address without a slash at its end."""
    return {"id": base + ISSUER_PATH, "type": ["Profile"], "name": name, "url": base}


def achievement(base: str, skill: Skill) -> dict[str, Any]:
    """Return what the badge for a skill stands for; the same for everybody."""
    found: dict[str, Any] = {
        "id": f"{base}{ACHIEVEMENTS_PATH}/{skill.id}",
        "type": ["Achievement"],
        "achievementType": "Competency",
        "name": skill.name,
        "description": f"{skill.name}: carried through from training to the job.",
        "criteria": {
            "narrative": "Recent results on the job met the standard without a job aid: the probability that the next "
            f"opportunity meets it is {round(100 * skill.target)} % or more, from several outcomes."
        },
    }
    if skill.frameworks:
        found["alignment"] = [
            {"type": ["Alignment"], "targetName": skill.name, "targetUrl": iri} for iri in skill.frameworks
        ]
    return found


def credential(
    base: str, issuer_name: str, skill: Skill, holder: uuid.UUID, achieved_s: int, name: str = ""
) -> dict[str, Any]:
    """Return the badge of one person for one skill, the same each time that it is asked for.

    holder: see `holder_of`. achieved_s: seconds since the epoch. name: of the person, where they want it in it.
    """
    subject: dict[str, Any] = {
        "id": holder.urn,
        "type": ["AchievementSubject"],
        "achievement": achievement(base, skill),
    }
    if name:
        subject["identifier"] = [
            {"type": "IdentityObject", "identityType": "name", "identityHash": name, "hashed": False}
        ]
    return {
        "@context": list(CONTEXTS),
        "id": uuid.uuid5(holder, f"{skill.id}/{achieved_s}").urn,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": skill.name,
        "issuer": issuer(base, issuer_name),
        "validFrom": dt.datetime.fromtimestamp(achieved_s, dt.UTC).isoformat().replace("+00:00", "Z"),
        "credentialSubject": subject,
    }


def holder_of(tenant_key: bytes, subject: str) -> uuid.UUID:
    """Return the id of a person in their badges; it cannot be led back to the pseudonym of streams and logs."""
    digest = hmac.new(tenant_key, b"carrythrough badge holder\x1f" + subject.encode(), sha256).digest()
    number = int.from_bytes(digest[:16], "big")
    # RFC 9562 5.8: version 8 leaves everything but version and variant to us; the library knows it from 3.14 on.
    number = number & ~(0xF << 76) & ~(0b11 << 62) | 8 << 76 | 0b10 << 62
    return uuid.UUID(int=number)
