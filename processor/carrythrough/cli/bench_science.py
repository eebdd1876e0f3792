"""`carrythrough bench-science`: holds the scoring against answer files, a simulator with known truth, and the clock."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from cyclopts import Parameter

from carrythrough.cli.terminal import count, err, plural, say, say_wrapped
from carrythrough.cli.usage import wrong_usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from carrythrough.cli.science.costs import Costs
    from carrythrough.cli.science.exam import Result
    from carrythrough.cli.science.truth import TruthResult

_PREFIXES = {"assistments": "assist09", "cloze": "lkt", "csv": "csv"}
KEYS = (
    "assist09_auc", "assist09_logloss", "assist09_frozen_auc", "assist09_ece",
    "lkt_logloss", "lkt_auc", "lkt_ece",
    "sim_coverage80", "update_us", "read_us",
)  # fmt: skip
"""Always in the JSON of the last line; null where nothing was measured."""


def bench_science(
    *,
    data: Annotated[
        list[Path] | None, Parameter(help="An answer file, plain or gzipped; may be given several times.")
    ] = None,
    format: Annotated[  # noqa: A002 - the name of the flag
        list[Literal["assistments", "cloze", "csv"]] | None,
        Parameter(help="What the file looks like; once for all files, or once for each."),
    ] = None,
    separator: Annotated[str, Parameter(help="What stands between the skills of one row.")] = "|",
    simulator: Annotated[bool, Parameter(help="Also hold scores against the simulator's truth.")] = False,
    employees: Annotated[int, Parameter(help="Simulated people of each organisation.")] = 80,
    costs: Annotated[bool, Parameter(help="Also measure what an update and a read cost.")] = False,
    json: Annotated[bool, Parameter(help="Print the JSON object only.")] = False,
) -> int:
    """Hold the scoring against data: every answer is predicted before it is learnt, once.

    The last line is one JSON object. Three formats, as CSV with a header, plain or gzipped:

    - `assistments`: learner, item, skills, correct, optionally split (train or test). No times: each
      answer of a person is one day after the one before, and the persons answer in turn. Where there is
      a split, the train learners are played first and the test rows are judged.
    - `cloze`: user, t (seconds), kc, outcome (CORRECT, INCORRECT, STUDY), optionally cluster, answer,
      latency_ms. Played in order of time from a cold start; every answer is judged.
    - `csv`: learner, item, skills, correct (0 to 1), optionally time (seconds since 1970, or ISO 8601)
      and split. Without times as `assistments`.

    For example:

    ```sh
    carrythrough bench-science --data answers.csv.gz --format assistments
    carrythrough bench-science --data answers.csv --format csv --separator ';'
    carrythrough bench-science --simulator --costs
    ```
    """
    files = data or []
    forms = format or []
    if not files and not simulator and not costs:
        raise wrong_usage("there is nothing to measure", "name --data with --format, --simulator or --costs")
    if files and len(forms) not in {1, len(files)}:
        raise wrong_usage(
            f"{plural(len(files), 'file')} and {plural(len(forms), 'format')}",
            "name --format once for all files, or once for each",
        )
    if not separator:
        raise wrong_usage("the separator is empty", "name the characters between two skills, such as '|'")
    forms = forms * len(files) if len(forms) == 1 else forms
    figures: dict[str, float | int | None] = dict.fromkeys(KEYS)
    for path, form in zip(files, forms, strict=True):
        figures |= _exam(path, form, separator, quiet=json)
    if simulator:
        figures |= _truth(employees, quiet=json)
    if costs:
        figures |= _costs(quiet=json)
    line = msgspec.json.encode({k: round(v, 4) if isinstance(v, float) else v for k, v in figures.items()})
    sys.stdout.flush()
    sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()
    return 0


def _exam(
    path: Path, form: Literal["assistments", "cloze", "csv"], separator: str, *, quiet: bool
) -> dict[str, float | int | None]:
    from carrythrough.cli.science.answers import load_answers
    from carrythrough.cli.science.exam import AT_QUESTION, FROZEN, LEARNER, sit

    file = load_answers(path, form, separator)
    result = sit(file, _progress(path.name, len(file.answers)))
    if not quiet:
        _show_result(path, form, result, split=file.split)
    prefix = _PREFIXES[form]
    learner, frozen, asked = result.of(LEARNER), result.of(FROZEN), result.of(AT_QUESTION)
    if learner is None:
        raise AssertionError("the learner is always judged")
    figures: dict[str, float | int | None] = {
        f"{prefix}_auc": learner.auc,
        f"{prefix}_logloss": learner.log_loss,
        f"{prefix}_ece": learner.ece,
    }
    if frozen is not None or form != "cloze":
        figures[f"{prefix}_frozen_auc"] = None if frozen is None else frozen.auc
    if asked is not None:
        figures[f"{prefix}_asked_logloss"] = asked.log_loss
        figures[f"{prefix}_asked_auc"] = asked.auc
    return figures


def _progress(name: str, total: int) -> Callable[[int], None]:
    """Return what shows how far it is, on a terminal only."""

    def show(number: int) -> None:
        if err().is_terminal:
            err().print(f"\r{name}: {count(number)} of {count(total)} rows", end="", soft_wrap=True)
            if number + 2_000 >= total:
                err().print()

    return show


def _show_result(path: Path, form: str, result: Result, *, split: bool) -> None:
    from carrythrough.cli.table import table

    judged = result.lines[0].verdict.rows
    say(f"{path.name} ({form})", "bold")
    say_wrapped(
        f"{plural(result.answers, 'answer')} of {count(result.people)} people, {plural(result.items, 'item')}, "
        f"{plural(result.skills, 'skill')}; {count(judged)} judged"
        f"{' (the test rows)' if split else ' from a cold start'}. Predict, learn and fold: "
        f"{result.answer_us:.0f} µs an answer."
    )
    table(
        [
            ("who predicts", "left"),
            ("log-loss", "right"),
            ("AUC", "right"),
            ("ECE", "right"),
            ("mean p", "right"),
        ],
        [
            (
                line.name,
                f"{line.verdict.log_loss:.4f}",
                f"{line.verdict.auc:.4f}",
                f"{line.verdict.ece:.4f}",
                f"{line.verdict.predicted:.3f}",
            )
            for line in result.lines
        ],
    )
    say(f"observed {result.lines[0].verdict.observed:.3f}; calibration over 15 bins of equal mass")
    say()


def _truth(employees: int, *, quiet: bool) -> dict[str, float | int | None]:
    from carrythrough.cli.science.truth import HELD_OUT_SEEDS, hold_against_truth
    from carrythrough.scoring.model import SHIPPED

    result = hold_against_truth(SHIPPED, employees)
    if not quiet:
        _show_truth(result, employees, len(HELD_OUT_SEEDS))
    return {
        "sim_coverage80": result.coverage,
        "sim_error": result.error,
        "sim_calibration": result.calibration,
        "sim_stages": result.stages,
        "sim_drop_delay_days": result.drops.median_days,
    }


def _show_truth(result: TruthResult, employees: int, organisations: int) -> None:
    from carrythrough.cli.science.truth import SEEN_DAYS
    from carrythrough.cli.table import table

    say("simulator with known truth", "bold")
    say_wrapped(
        f"{plural(result.readings, 'reading')} of {plural(organisations, 'organisation')} of {employees} people: "
        f"the 80 % interval holds the truth in {100 * result.coverage:.1f} %, its mean width is "
        f"{result.width:.3f}, the mean error of the score {result.error:.3f}."
    )
    drops = result.drops
    delay = (
        "" if drops.median_days is None else f", in the median {drops.median_days:+.0f} days after the fall"
    )
    say_wrapped(
        f"The stage is the one that the truth would have given in {100 * result.stages:.1f} %, the side of the target "
        f"in {100 * result.sides:.1f} %. Calibration error of the score over tenths {result.calibration:.3f}. "
        f"{plural(drops.drops, 'true fall')} below the target, {drops.seen} seen within {SEEN_DAYS} days{delay}."
    )
    table(
        [("score", "right"), ("truth", "right"), ("readings", "right")],
        [(f"{score:.3f}", f"{truth:.3f}", count(n)) for score, truth, n in result.tenths],
    )
    say()


def _costs(*, quiet: bool) -> dict[str, float | int | None]:
    from carrythrough.cli.science.costs import measure

    found: Costs = measure()
    if not quiet:
        say("cost in production code, one core", "bold")
        say_wrapped(
            f"update of the state {found.update_us:.1f} µs a piece of evidence; whole fold with ledger row, "
            f"score, reasons and decision {found.fold_us:.1f} µs; read of a score with interval and reasons "
            f"{found.read_us:.1f} µs; a stored pair {found.pair_bytes:.0f} bytes."
        )
        say()
    return {"update_us": found.update_us, "read_us": found.read_us}
