"""`carrythrough quarantine replay`: what lenient senders got wrong is judged again, as of today."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import msgspec
from cyclopts import Parameter

from carrythrough.cli.target import Target
from carrythrough.cli.terminal import note, plural, say, say_json
from carrythrough.cli.usage import wrong_usage


def replay_quarantine(
    *entries: Annotated[int, Parameter(help="Positions as `quarantine list` names them (default: all).")],
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Judge statements that were set aside from lenient senders again, and store those that pass now.

    Of use after an update that knows more repairs. They are stored in the name of the credential that sent them,
    count at their own timestamp (without one: now), and once, however often they are replayed. What still
    breaks a rule stays where it is: mend it with `quarantine export` and `ingest`. The exit code is 1 while some do.

    The server of the data folder must not be running.

    For example:

    ```sh
    carrythrough quarantine replay --data-dir data
    carrythrough quarantine replay 4711 4712 --data-dir data --json
    ```
    """
    target = target or Target()
    if target.server() is not None:
        raise wrong_usage(
            "a server does not replay what it set aside",
            "end it, and replay on its data folder with --data-dir",
            where="--url",
        )
    from carrythrough.cli.importing.replaying import replayed

    found = replayed(target, entries)
    counts = Counter(one.outcome for one in found)
    still = [one for one in found if one.problem is not None]
    if json:
        say_json({"counts": counts, "entries": msgspec.to_builtins(found)})
        return 1 if still else 0
    if not found:
        say("No statement of a lenient sender is in the quarantine.")
        return 0
    say(f"{plural(len(found), 'statement')} judged again", "bold")
    for word, what in (
        ("stored", "stored"),
        ("repaired", "repaired and stored"),
        ("known", "stored before"),
        ("refused", "still refused"),
    ):
        say(f"  {what:<21}{counts[word]:>8,}")
    for code, number in Counter(one.problem.code for one in still if one.problem).most_common():
        say(f"    {code:<19}{number:>8,}", "dim")
    if still:
        note(f"One of them in full: carrythrough quarantine show {still[0].position} …")
    return 1 if still else 0
