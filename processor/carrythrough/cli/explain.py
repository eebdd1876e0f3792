"""`carrythrough explain`: why a score is what it is, in words, then with every piece of evidence."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.moments import time_of
from carrythrough.cli.scores import STAGE_STYLES, heading_of
from carrythrough.cli.table import Column, table
from carrythrough.cli.target import ForLearner, Target, open_reader
from carrythrough.cli.terminal import out, plural, say, say_json, say_wrapped, styled
from carrythrough.cli.usage import wrong_usage
from carrythrough.gateway.pages import words

SHOWN = 20
ITEM_SHOWN = 32


def explain(
    employee: Annotated[str, Parameter(help="Roster id or pseudonym, as `carrythrough scores` shows it.")],
    /,
    *,
    skill: Annotated[
        str, Parameter(help="Id of the skill; may be left out when the person has only one.")
    ] = "",
    at: Annotated[
        str,
        Parameter(
            help="Explain as of this time, by what is known today: 2026-11-01T10:00:00Z, or a date for its end."
        ),
    ] = "",
    as_known_at: Annotated[
        str,
        Parameter(
            help="Exactly what was shown at this time: by the log, the map and the model as they were then."
        ),
    ] = "",
    evidence: Annotated[int, Parameter(help="How many pieces of evidence to list, newest first.")] = SHOWN,
    for_learner: ForLearner = False,
    json: Annotated[bool, Parameter(help="Print JSON as the REST API gives it.")] = False,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Explain one score: why it is what it is, and by which evidence.

    "moved" is how many points the score would lose without that piece of evidence. --at looks back with what
    is known today; --as-known-at repeats what was shown then, when late and since voided evidence was not known.

    For example:

    ```sh
    carrythrough explain e-017 --skill de-escalation --data-dir data
    carrythrough explain e-017 --skill de-escalation --at 2026-11-01 --data-dir data
    carrythrough explain e-017 --skill de-escalation --as-known-at 2026-11-01T10:00:00Z --data-dir data
    carrythrough explain e-017 --skill de-escalation --json --url http://127.0.0.1:8080
    ```
    """
    at_ms = time_of(at, "--at") if at else None
    known_ms = time_of(as_known_at, "--as-known-at") if as_known_at else None
    with open_reader(target, learners=for_learner) as reader:
        person = reader.employee(employee)
        skill = skill or _only_skill(person)
        found = reader.explanation(employee, skill, at_ms, known_ms)
        if json:
            say_json(found)
            return 0
        _head(person, found)
        _meaning(found)
        _words(found)
        _confidence(found)
        _raises(found)
        _forecast(found)
        _calculation(found)
        _evidence(found, evidence)
        _set_aside(found)
    return 0


def _only_skill(person: dict[str, Any]) -> str:
    skills = [entry["skill"] for entry in person["skills"]]
    if len(skills) == 1:
        return str(skills[0])
    known = (
        f"this person has evidence for {', '.join(skills)}" if skills else "this person has no evidence yet"
    )
    raise wrong_usage(f"an explanation is about one skill; {known}", "add --skill", where="--skill")


def _head(person: dict[str, Any], found: dict[str, Any]) -> None:
    say(heading_of(person), "bold")
    known = f", as known at {words.when(found['known_at'])} UTC" if found.get("known_at") else ""
    say(f"{found['skill_name']} ({found['skill']}), as of {words.when(found['as_of'])} UTC{known}")
    say()
    stage = words.stage(found["stage"])
    if found["score"] is None:
        score = "no score"
    else:
        low, high = words.points(found["low"]), words.points(found["high"])
        score = f"{words.points(found['score'])} of 100 (80 % interval {low}–{high})"
    target = f", target {words.points(found['target'])}" if found.get("target") is not None else ""
    out().print(
        styled("Transfer score: "), styled(score, "bold"), styled(target + ". Stage: "),
        styled(stage.word, STAGE_STYLES.get(found["stage"], "")), styled(f". {stage.meaning}"), sep="",
    )  # fmt: skip


def _meaning(found: dict[str, Any]) -> None:
    meaning = found.get("meaning", {})
    for objective in meaning.get("objectives", ()):
        shown = plural(objective["times_shown"], "time") if objective["times_shown"] else "not yet"
        say_wrapped(f"{objective['statement']} (shown on the job: {shown})", "  will do: ")
    for taken in meaning.get("programs", ()):
        role = "comparison group of" if taken["comparison"] else "takes part in"
        where = f" ({taken['cohort_name']})" if taken["cohort_name"] else ""
        since = f" from {taken['start']}" if taken["start"] else ""
        owner = f"; {taken['owner']} answers for it" if taken["owner"] else ""
        say_wrapped(f"{taken['name']}{where}{since}{owner}", f"  {role}: ")
    for first in meaning.get("requires", ()):
        say_wrapped(f"{first['skill_name']} ({first['skill']})", "  comes first: ")
    for iri in meaning.get("frameworks", ()):
        say_wrapped(iri, "  see: ")


def _words(found: dict[str, Any]) -> None:
    say()
    say("Why", "bold")
    for sentence in found["sentences"]:
        say_wrapped(sentence)
    for entry in found["baselines"]:
        say_wrapped(entry["text"])
    reasons = [reason for reason in found["reasons"] if reason["points"]]
    if reasons:
        say()
        say("How its points add up", "bold")
        base = found["prior"]["base"]
        say_wrapped(
            "The rate of somebody about whom nothing is known.", f"  {words.signed_points(100 * base):>6}  "
        )
        for reason in reasons:
            say_wrapped(reason["text"], f"  {words.signed_points(reason['points']):>6}  ")
    missing = [text for text in found["missing"] if text not in found["sentences"]]
    if missing:
        say()
        say("What would tell more", "bold")
        for text in missing:
            say_wrapped(text)


def _confidence(found: dict[str, Any]) -> None:
    """Print what the learner said beside what followed; servers give it to the learner's own applications only."""
    if found.get("confidence"):
        say()
        say("Confidence (for the learner)", "bold")
        say_wrapped(found["confidence"]["text"])


def _raises(found: dict[str, Any]) -> None:
    """Print what would change the score most, largest first."""
    if not found["raises"]:
        return
    say()
    say("What would raise it most", "bold")
    for entry in found["raises"]:
        say_wrapped(entry["text"] + ".", f"  {words.signed_points(entry['points']):>6}  ")


def _forecast(found: dict[str, Any]) -> None:
    """Print the score of the coming days without anything new."""
    if not found["forecast"]:
        return
    say()
    say("If nothing happens", "bold")
    curve = found["forecast"]["curve"]
    say("  in days  " + " ".join(f"{point['days']:>4}" for point in curve))
    say("  score    " + " ".join(f"{words.points(point['score']):>4}" for point in curve))
    say("  recall   " + " ".join(f"{words.points(point['recall']):>4}" for point in curve))


def _calculation(found: dict[str, Any]) -> None:
    """Print the arithmetic line by line, for whoever wants to check it."""
    if not found["calculation"]:
        return
    say()
    say("How to recompute it", "bold")
    for line in found["calculation"]:
        say_wrapped(line, "  ")


def _evidence(found: dict[str, Any], limit: int) -> None:
    pieces = found["evidence"]
    say()
    if not pieces:
        say("No evidence up to this time.")
        return
    shown = pieces[:limit]
    head = f"Evidence: {plural(len(pieces), 'piece')}"
    say(
        head
        if len(shown) == len(pieces)
        else f"{head}, the newest {len(shown)} shown (--evidence N for more)",
        "bold",
    )
    say()
    columns: list[Column] = [
        ("time (UTC)", "ids"),
        ("channel", "left"),
        ("outcome", "right"),
        ("counts now", "right", 3),
        ("moved", "right"),
        ("source", "ids", 1),
        ("rule of the map", "left", 5),
        ("about", "left", 4),
    ]
    table(columns, (_piece(piece) for piece in shown))


def _piece(piece: dict[str, Any]) -> list[Any]:
    outcome = piece["outcome"]
    withheld = "withheld" if piece.get("withheld") else "–"
    remarks = [word for word in ("assisted", "clamped") if piece.get(word)]
    return [
        words.when(piece["time"]),
        words.channel(piece["channel"]) + (f" ({', '.join(remarks)})" if remarks else ""),
        withheld if outcome is None else f"{outcome:.2f}",
        "–" if outcome is None else f"{piece['weight_now']:.2f}",
        words.signed_points(piece["moved"]),
        uuid_text(piece["source"]),
        piece["rule"],
        _tail(piece["item"]),
    ]


def _tail(item: str) -> str:
    """Return the last parts of a long item id, which are what tells items apart."""
    if len(item) <= ITEM_SHOWN:
        return item
    end = item[-ITEM_SHOWN + 1 :]
    return "…" + end[max(0, end.find("/")) :]


def uuid_text(source: str) -> str:
    """Return a 32-digit hex id as the text of a UUID, which is how senders know their statements."""
    if len(source) != 32:
        return source
    return f"{source[:8]}-{source[8:12]}-{source[12:16]}-{source[16:20]}-{source[20:]}"


def _set_aside(found: dict[str, Any]) -> None:
    """Print the evidence that counts no more (contested, taken back, out by the rules of cmi5), with the reasons."""
    if not found.get("set_aside"):
        return
    say()
    say("Set aside", "bold")
    for entry in found["set_aside"]:
        say_wrapped(f"{words.when(entry['time'])} {entry['channel']} ({entry['evidence']}): {entry['text']}")
