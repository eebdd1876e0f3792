"""`carrythrough model`: the versions of the scoring head, what the shadow learners have learnt, and promotion."""

from __future__ import annotations

import datetime as dt
import getpass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.contest import in_folder
from carrythrough.cli.model_answers import (
    CATCH_UP_ROWS,
    AsJson,
    Config,
    DataDir,
    answers_caught_up,
    answers_kept,
    items_of,
    open_folder,
)
from carrythrough.cli.table import table
from carrythrough.cli.target import Target
from carrythrough.cli.terminal import count, plural, say, say_json, say_wrapped
from carrythrough.errors import PermanentError, Problem

if TYPE_CHECKING:
    from carrythrough.cli.folder_reader import FolderReader
    from carrythrough.pipeline.model_version import ModelVersion
    from carrythrough.scoring.answering import AnswerShadow
    from carrythrough.scoring.head import Model
    from carrythrough.scoring.judging import Verdict
    from carrythrough.scoring.promotion import Comparison
    from carrythrough.scoring.shadow import Shadow

OUTCOMES_LEAST = 200
"""Outcomes on the job that both versions must have predicted before one may be promoted without --anyway."""


def list_models(*, json: AsJson = False, data_dir: DataDir = None, config: Config = None) -> int:
    """List the versions of the scoring head that were in force, and what its shadow has learnt.

    For example:

    ```sh
    carrythrough model list --data-dir data
    ```
    """
    with open_folder(data_dir, config) as reader:
        rows = _versions(reader)
        shadow = _caught_up(reader)
        learnt = {"name": shadow.model().name, "outcomes": shadow.learnt, "position": shadow.position}
        answers = answers_kept(reader)
        kept = {"answers": answers.learner.answers, "position": answers.position}
        in_force = reader.in_force.model.name
    if json:
        say_json({"in_force": in_force, "versions": rows, "shadow": learnt, "answer_learner": kept})
        return 0
    table(
        [
            ("version", "left"),
            ("since", "left"),
            ("position", "right"),
            ("by", "left"),
            ("m", "right"),
            ("items", "right"),
            ("", "left"),
        ],
        [
            (
                r["name"],
                r["since"],
                r["position"],
                r["by"],
                f"{r['m']:g}",
                count(r["items"]),
                "in force" if r["in_force"] else "",
            )
            for r in rows
        ],
    )
    say()
    say(f"The shadow has learnt from {plural(shadow.learnt, 'outcome')} on the job: {learnt['name']}.")
    say(
        f"The answer learner of the server has kept what {plural(round(kept['answers']), 'answer')} taught it."
    )
    return 0


def compare_models(*, json: AsJson = False, data_dir: DataDir = None, config: Config = None) -> int:
    """Hold the shadow learners against the version in force: everything was predicted before it was learnt.

    Of outcomes on the job the scores of both versions are compared, job layer included; of answers the prior of
    the head in force and the answer learner, whose item table a promotion freezes. Log-loss (smaller is better),
    AUC (larger is better), calibration error (smaller is better).

    For example:

    ```sh
    carrythrough model compare --data-dir data
    ```
    """
    with open_folder(data_dir, config) as reader:
        comparison = _comparison(_caught_up(reader), answers_caught_up(reader))
    if json:
        say_json(comparison)
        return 0
    _show(comparison)
    return 0


def promote_model(
    version: Annotated[
        str, Parameter(help="What to bring into force: shadow, or a version that `model list` names.")
    ] = "shadow",
    *,
    anyway: Annotated[
        bool, Parameter(help="Also when the new version is not better, or has seen too little.")
    ] = False,
    json: AsJson = False,
    data_dir: DataDir = None,
    config: Config = None,
) -> int:
    """Compare the shadow with the version in force, then bring it into force by a record in the log.

    With it goes the item table of the answer learner, which stamps the evidence from there on. Scores from that
    place of the log on are those of the new version; what was published before stays as it was, and a replay gives
    both again. The server must not be running. To go back, name an older version.

    For example:

    ```sh
    carrythrough model promote --data-dir data
    carrythrough model promote carrythrough-3 --data-dir data
    ```
    """
    import msgspec

    def work(runtime: Any) -> dict[str, Any]:
        with open_folder(data_dir, config) as reader:
            chosen, comparison = _chosen(reader, version)
        if comparison is not None:
            if not json:
                _show(comparison)
            if not anyway:
                _require_better(comparison)
        runtime.activate_model(chosen)
        answer: dict[str, Any] = msgspec.to_builtins(chosen)
        return answer

    promoted = in_folder(Target(data_dir=data_dir, config=config), work)
    if json:
        say_json(promoted)
    else:
        say(f"In force from now on: {promoted['model']['name']}.", "bold")
    return 0


def _caught_up(reader: FolderReader) -> Shadow:
    """Return the shadow with everything learnt that is in the ledger; the file of the server stays as it is."""
    from contextlib import closing

    from carrythrough.embedded.shadowing import SNAPSHOT_NAME, ShadowFeed, activated_at, load_shadow

    since = activated_at(reader.log)
    shadow = load_shadow(reader.path / SNAPSHOT_NAME, reader.in_force.model, since)
    with closing(ShadowFeed(reader.path / "state.sqlite")) as feed:
        while feed.advance(shadow, CATCH_UP_ROWS):
            pass
    return shadow


def _comparison(shadow: Shadow, answers: AnswerShadow) -> Comparison:
    import msgspec

    head, learner = answers.trial.verdicts()
    return msgspec.structs.replace(
        shadow.comparison(),
        answers=answers.trial.learner.outcomes,
        answers_head=head,
        answers_learner=learner,
    )


def _activations(reader: FolderReader) -> list[tuple[int, int, ModelVersion]]:
    """Return (position, stored_ms, version) of the log, newest first."""
    import contextlib

    import msgspec

    from carrythrough.errors import CarrythroughError
    from carrythrough.pipeline.model_version import decode_version
    from carrythrough.pipeline.records import Kind

    found = []
    row = reader.log.last(Kind.MODEL, 1 << 62)
    while row is not None:
        # One that cannot score was set aside by the fold, so it never came into force.
        with contextlib.suppress(CarrythroughError, msgspec.MsgspecError):
            found.append((row.position, row.stored_ms, decode_version(bytes(row.raw))))
        row = reader.log.last(Kind.MODEL, row.position - 1)
    return found


def _versions(reader: FolderReader) -> list[dict[str, Any]]:
    from carrythrough.scoring.model import SHIPPED

    in_force = reader.in_force.model
    rows = [
        _version(activation.model, in_force, _moment(stored_ms), position, activation.by)
        for position, stored_ms, activation in _activations(reader)
    ]
    rows.append(_version(SHIPPED, in_force, "the beginning", 0, "shipped"))
    newest = next((row for row in rows if row["in_force"]), None)
    for row in rows:
        row["in_force"] = row is newest
    return rows


def _version(model: Model, in_force: Model, since: str, position: int, by: str) -> dict[str, Any]:
    return {
        "name": model.name,
        "since": since,
        "position": position,
        "by": by,
        "m": model.job_strength,
        "certainty": model.certainty,
        "weights": model.weights,
        "items": len(model.items),
        "in_force": model == in_force,
    }


def _moment(ms: int) -> str:
    return dt.datetime.fromtimestamp(ms / 1000, tz=dt.UTC).strftime("%Y-%m-%d %H:%M")


def _chosen(reader: FolderReader, version: str) -> tuple[ModelVersion, Comparison | None]:
    """Return what `version` names, ready for the log, and how it compares; raises PermanentError (model-unknown)."""
    import msgspec

    from carrythrough.pipeline.model_version import ModelVersion
    from carrythrough.scoring.model import SHIPPED
    from carrythrough.scoring.promotion import figures_of, item_table

    by = f"cli:{getpass.getuser()}"
    if version == "shadow":
        shadow, answers = _caught_up(reader), answers_caught_up(reader)
        comparison = _comparison(shadow, answers)
        items = item_table(items_of(reader, answers))
        model = msgspec.structs.replace(shadow.model(), items=items)
        return ModelVersion(model=model, by=by, comparison=figures_of(comparison)), comparison
    known = {SHIPPED.name: SHIPPED} | {a.model.name: a.model for _, _, a in _activations(reader)}
    if version not in known:
        raise PermanentError(
            Problem(
                code="model-unknown",
                status=404,
                title="There is no such version of the head",
                detail=f"{version!r} was never in force here",
                rule="what is promoted is the shadow, or a version that was in force before",
                fix=f"name one of: shadow, {', '.join(sorted(known))}",
            )
        )
    return ModelVersion(model=known[version], by=by), None


def _require_better(comparison: Comparison) -> None:
    old, new = comparison.old_verdict, comparison.new_verdict
    if old is None or new is None or comparison.outcomes < OUTCOMES_LEAST:
        reason = f"{plural(comparison.outcomes, 'outcome')} on the job so far, {OUTCOMES_LEAST} are asked for"
    elif new.log_loss >= old.log_loss:
        reason = f"the log-loss of the new version is {new.log_loss:.4f}, that of the old {old.log_loss:.4f}"
    else:
        return
    raise PermanentError(
        Problem(
            code="model-not-better",
            status=409,
            title="The shadow is not promoted",
            detail=reason,
            rule="a new version has predicted enough outcomes, and predicted them better",
            fix="let it learn on, or promote it all the same with --anyway",
        )
    )


def _show(comparison: Comparison) -> None:
    old, new = comparison.old_verdict, comparison.new_verdict
    if old is None or new is None:
        say("No outcome on the job has been predicted yet.")
    else:
        say_wrapped(
            f"{count(comparison.outcomes)} outcomes on the job, each predicted by both versions before it was learnt.",
            first="",
        )
        _verdicts((f"{comparison.old} (in force)", old), (f"{comparison.new} (shadow)", new))
    head, learner = comparison.answers_head, comparison.answers_learner
    if head is None or learner is None:
        say("No answer has been predicted yet.")
        return
    say_wrapped(
        f"{plural(comparison.answers, 'answer')}, each predicted before it was learnt. The head foresees the job and "
        "not answers: its order counts here, not its level.",
        first="",
    )
    _verdicts((f"{comparison.old} (in force)", head), ("answer learner", learner))


def _verdicts(*rows: tuple[str, Verdict]) -> None:
    table(
        [
            ("version", "left"),
            ("log-loss", "right"),
            ("AUC", "right"),
            ("calibration error", "right"),
            ("mean", "right"),
        ],
        [
            (name, f"{v.log_loss:.4f}", f"{v.auc:.4f}", f"{v.ece:.4f}", f"{v.predicted:.3f}")
            for name, v in rows
        ],
    )
    say(f"observed {rows[0][1].observed:.3f}")
    say()
