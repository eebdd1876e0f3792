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

    from carrythrough.cli.science.answers import AnswerFile
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


Figures = dict[str, float | int | None]


def bench_science(
    *,
    data: Annotated[
        list[Path] | None, Parameter(help="An answer file, plain or gzipped; may be given several times.")
    ] = None,
    format: Annotated[  # noqa: A002 - the name of the flag
        list[Literal["assistments", "cloze", "csv"]] | None,
        Parameter(help="What the file looks like; once for all files, or once for each."),
    ] = None,
    separator: Annotated[
        str | None, Parameter(help="What stands between the skills of one row; found out if not named.")
    ] = None,
    simulator: Annotated[bool, Parameter(help="Also hold scores against the simulator's truth.")] = False,
    employees: Annotated[int, Parameter(help="Simulated people of each organisation.")] = 80,
    costs: Annotated[bool, Parameter(help="Also measure what an update and a read cost.")] = False,
    json: Annotated[bool, Parameter(help="Print the JSON object only.")] = False,
) -> int:
    """Hold the scoring against data: every answer is predicted before it is learnt, once.

    Answers go through the learner of the server, by the function with which the server feeds it. The last line is
    one JSON object; keys of a second file of the same format begin with `csv2`, `csv3` and so on. Three formats,
    as CSV with a header, plain or gzipped, cells apart at commas, semicolons or tabs:

    - `assistments`: learner, item, skills, correct, optionally split (train or test). No times: each
      answer of a person is one day after the one before, and the persons answer in turn. Where there is
      a split, the train learners are played first and the test rows are judged.
    - `cloze`: user, t (seconds), kc, outcome (CORRECT, INCORRECT, STUDY), optionally cluster, answer,
      latency_ms. Played in order of time from a cold start; every answer is judged.
    - `csv`: learner, item, skills (may be empty), correct (0 to 1, true, false), optionally time and split.
      Times are seconds since 1970 (finer units are told by their size) or ISO 8601; rows in any order; answers of
      a person at the same time count as given in the order of the file. Without times as `assistments`.

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
    if separator == "":
        raise wrong_usage("the separator is empty", "name the characters between two skills, such as '|'")
    forms = forms * len(files) if len(forms) == 1 else forms
    figures: Figures = dict.fromkeys(KEYS)
    for number, (path, form) in enumerate(zip(files, forms, strict=True)):
        again = forms[:number].count(form)
        prefix = _PREFIXES[form] + (str(again + 1) if again else "")
        figures |= _exam(path, form, separator or "", prefix, quiet=json)
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
    path: Path, form: Literal["assistments", "cloze", "csv"], separator: str, prefix: str, *, quiet: bool
) -> Figures:
    from carrythrough.cli.science.answers import load_answers
    from carrythrough.cli.science.exam import AT_QUESTION, FROZEN, LEARNER, sit

    file = load_answers(path, form, separator)
    result = sit(file, _progress(path.name, len(file.answers)))
    if not quiet:
        _show_result(path, form, result, file)
    learner, frozen, asked = result.of(LEARNER), result.of(FROZEN), result.of(AT_QUESTION)
    if learner is None:
        raise AssertionError("the learner is always judged")
    figures: Figures = {
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


def _show_result(path: Path, form: str, result: Result, file: AnswerFile) -> None:
    from carrythrough.cli.science.exam import SOURCES
    from carrythrough.cli.table import table

    judged = result.lines[0].verdict.rows
    say(f"{path.name} ({form})", "bold")
    say_wrapped(
        f"{plural(result.answers, 'answer')} of {count(result.people)} people, {plural(result.items, 'item')}, "
        f"{plural(result.skills, 'skill')}; {count(judged)} judged"
        f"{' (the test rows)' if file.split else ' from a cold start'}. Predict, learn and fold: "
        f"{result.answer_us:.0f} µs an answer."
    )
    if file.read_as:
        say_wrapped(f"Read as: {file.read_as}.")
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
    say("From the code of the product, the rest from the exam's own rivals:")
    for line in result.lines:
        if line.name in SOURCES:
            say_wrapped(f"{line.name}: {SOURCES[line.name]}", first="  ")
    say()


def _truth(employees: int, *, quiet: bool) -> Figures:
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
    seen = f"{drops.seen} of them told by the score within {SEEN_DAYS} days after"
    if drops.median_days is not None:
        late = drops.median_days > 0
        seen += f"; in the median the score went under the target {abs(drops.median_days):.0f} days "
        seen += "after the truth did" if late else "before the truth did, an early alarm because it leans low"
    say_wrapped(
        f"The stage is the one that the truth would have given in {100 * result.stages:.1f} %, the side of the target "
        f"in {100 * result.sides:.1f} %. Calibration error of the score over tenths {result.calibration:.3f}. "
        f"{plural(drops.drops, 'true fall')} below the target, {seen}."
    )
    say_wrapped("From scoring.score.read_score and reinforcement.stage of the pipeline, over its own fold.")
    table(
        [("score", "right"), ("truth", "right"), ("readings", "right")],
        [(f"{score:.3f}", f"{truth:.3f}", count(n)) for score, truth, n in result.tenths],
    )
    say()


def _costs(*, quiet: bool) -> Figures:
    from carrythrough.cli.science.costs import measure

    found: Costs = measure()
    if not quiet:
        say("cost in production code, one core", "bold")
        say_wrapped(
            f"update of the state {found.update_us:.1f} µs a piece of evidence; whole fold with ledger row, "
            f"score, reasons and decision {found.fold_us:.1f} µs; read of a score with interval and reasons "
            f"{found.read_us:.1f} µs; a stored pair {found.pair_bytes:.0f} bytes."
        )
        say_wrapped(
            "From scoring.state.apply, pipeline.fold.Fold.run, pipeline.reading.read_pair with pipeline.reasons."
        )
        say()
    return {"update_us": found.update_us, "read_us": found.read_us}
