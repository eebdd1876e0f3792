"""`carrythrough policy learn`: what logged decisions teach about pushes, shown, and put into force on request."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from carrythrough.cli.contest import in_folder
from carrythrough.cli.table import table
from carrythrough.cli.target import Target
from carrythrough.cli.terminal import plural, say, say_json
from carrythrough.errors import PermanentError, Problem

if TYPE_CHECKING:
    from carrythrough.impact.learning import Learnt
    from carrythrough.reinforcement.posteriors import Posteriors


def learn_policy(
    *,
    activate: Annotated[
        bool, Parameter(help="Put the new version into force, by a record in the log.")
    ] = False,
    anyway: Annotated[bool, Parameter(help="Also with few decisions, or when it promises no more.")] = False,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Learn from logged decisions how much each action brings, and compare that with the version in force.

    Only decisions that chance took part in count, once their 48 hours are over. The value of a version is the share of
    decisions followed by practice, had that version chosen. With --activate the server must not be running.

    For example:

    ```sh
    carrythrough policy learn --data-dir data
    carrythrough policy learn --activate --data-dir data
    ```
    """
    from carrythrough.embedded.policy_learning import figures_of

    target = target or Target()
    before, learnt = _learnt(Path(target.settings().data_dir))
    figures = figures_of(learnt)
    if json:
        say_json(
            {"in_force": before.name, "learnt": learnt.posteriors.name, **figures, "activated": activate}
        )
    else:
        _show(before, learnt)
    if activate:
        if not anyway:
            _require_better(learnt)
        _activate(target, learnt, figures)
        if not json:
            say(f"In force from now on: {learnt.posteriors.name}.", "bold")
    return 0


def _learnt(folder: Path) -> tuple[Posteriors, Learnt]:
    from carrythrough.cli.folder_reader import FolderReader
    from carrythrough.embedded.policy_learning import learnt_from

    with FolderReader(folder) as reader:
        return reader.in_force.posteriors, learnt_from(
            folder / "state.sqlite", reader.in_force, reader.now_ms
        )


def _activate(target: Target, learnt: Learnt, figures: dict[str, float]) -> None:
    from carrythrough.reinforcement.posteriors import PolicyVersion

    version = PolicyVersion(posteriors=learnt.posteriors, by=f"cli:{getpass.getuser()}", comparison=figures)

    def work(runtime: object) -> dict[str, object]:
        runtime.policy.activate(version)  # type: ignore[attr-defined]
        return {}

    in_folder(target, work)


def _show(before: Posteriors, learnt: Learnt) -> None:
    say(
        f"Learnt from {plural(learnt.decisions, 'decision')} that chance took part in: {learnt.posteriors.name}."
    )
    rows = []
    for key, cell in sorted(learnt.posteriors.cells.items()):
        stage, action, channel = key.split("/")
        old = before.cell(stage, action, channel)
        where = " ".join(
            part for part in (action, stage and f"at {stage}", channel and f"by {channel}") if part
        )
        gains = (f"{old.mean:+.3f} ± {old.sd:.3f}", f"{cell.mean:+.3f} ± {cell.sd:.3f}")
        rows.append((where, *gains, str(cell.decisions)))
    if rows:
        table([("gain of", "left"), ("in force", "right"), ("learnt", "right"), ("decisions", "right")], rows)
    say(f"Followed by practice within 48 hours: {learnt.mean:.3f}.")
    say(f"Had {before.name} chosen: {learnt.old_value:.3f}; had the new version: {learnt.new_value:.3f}.")


def _require_better(learnt: Learnt) -> None:
    from carrythrough.embedded.policy_learning import fault_of

    reason = fault_of(learnt)
    if not reason:
        return
    raise PermanentError(
        Problem(
            code="policy-not-better",
            status=409,
            title="The learnt version is not put into force",
            detail=reason,
            rule="a new version has learnt from enough decisions that chance took part in, and promises no less",
            fix="let chance choose for longer (policy.choice: learnt), or activate it all the same with --anyway",
        )
    )
