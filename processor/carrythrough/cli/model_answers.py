"""`carrythrough model items`: how hard each item is, by the answer learner; and that learner, caught up, for others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from carrythrough.cli.table import table
from carrythrough.cli.target import Target
from carrythrough.cli.terminal import count, err, say, say_json

if TYPE_CHECKING:
    from carrythrough.cli.folder_reader import FolderReader
    from carrythrough.scoring.answering import AnswerShadow
    from carrythrough.scoring.promotion import LearntItem

CATCH_UP_ROWS = 2_000
"""Rows read at a time here, where nobody waits behind: people are read less often."""
ITEMS_SHOWN = 20

AsJson = Annotated[bool, Parameter(help="Print JSON.")]
DataDir = Annotated[str | None, Parameter(help="The data folder.")]
Config = Annotated[Path | None, Parameter(help="Settings file that names the data folder.")]


def list_items(
    *,
    skill: Annotated[str, Parameter(help="Only items of this skill.")] = "",
    limit: Annotated[
        int, Parameter(help="At most this many items, those that go wrong most first.")
    ] = ITEMS_SHOWN,
    json: AsJson = False,
    data_dir: DataDir = None,
    config: Config = None,
) -> int:
    """Show how hard each item is, as the answer learner has learnt it: what a promotion would freeze.

    An item that hardly anybody gets right may be hard, or have a wrong key. "Stamped" is the expected success that
    the version in force puts on answers; where there is none, the program map says it.

    For example:

    ```sh
    carrythrough model items --data-dir data
    ```
    """
    from carrythrough.scoring.promotion import item_table

    with open_folder(data_dir, config) as reader:
        items = items_of(reader, answers_caught_up(reader))
        stamped = reader.in_force.model.items
    frozen = item_table(items)
    chosen = sorted(
        (one for one in items if skill in ("", *one.skills)), key=lambda one: (one.expected, one.item)
    )[:limit]
    if json:
        say_json(
            [
                {
                    "item": one.item,
                    "skills": one.skills,
                    "answers": one.answers,
                    "right": round(one.right, 5),
                    "expected": round(one.expected, 5),
                    "enough": one.item in frozen,
                    "stamped": stamped.get(one.item),
                }
                for one in chosen
            ]
        )
        return 0
    if not chosen:
        say("No questions were answered that are items of their own.")
        return 0
    table(
        [
            ("item", "left"),
            ("skills", "left"),
            ("answers", "right"),
            ("right", "right"),
            ("expected", "right"),
            ("stamped", "right"),
        ],
        [
            (
                one.item,
                ", ".join(one.skills),
                count(round(one.answers)),
                f"{100 * one.right:.0f} %",
                f"{100 * one.expected:.0f} %" if one.item in frozen else "too few",
                f"{100 * stamped[one.item]:.0f} %" if one.item in stamped else "–",
            )
            for one in chosen
        ],
    )
    return 0


def open_folder(data_dir: str | None, config: Path | None) -> FolderReader:
    """Return the reader of a data folder; raises PermanentError when it is none of ours."""
    from carrythrough.cli.folder_reader import FolderReader

    return FolderReader(Path(Target(data_dir=data_dir, config=config).settings().data_dir))


def answers_kept(reader: FolderReader) -> AnswerShadow:
    """Return the answer learner as the server has last written it, a fresh one where it never has."""
    from contextlib import closing

    from carrythrough.embedded.answer_feed import ANSWERS_NAME, AnswerFeed, load_answers
    from carrythrough.embedded.shadowing import activated_at

    with closing(AnswerFeed(reader.path / "state.sqlite")) as feed:
        end = feed.end()
    return load_answers(reader.path / ANSWERS_NAME, reader.in_force.model, activated_at(reader.log), end)


def answers_caught_up(reader: FolderReader) -> AnswerShadow:
    """Return the answer learner with every answer of the ledger; the file of the server stays as it is."""
    from contextlib import closing

    from carrythrough.embedded.answer_feed import AnswerFeed

    shadow = answers_kept(reader)
    with closing(AnswerFeed(reader.path / "state.sqlite")) as feed:
        end = count(feed.end())
        while feed.advance(shadow, CATCH_UP_ROWS):
            if err().is_terminal:
                err().print(f"\rlearning answers: record {count(shadow.position)} of {end}", end="")
    return shadow


def items_of(reader: FolderReader, answers: AnswerShadow) -> list[LearntItem]:
    """Return every item that the ledger names, with what the learner knows of it."""
    from carrythrough.embedded.answer_feed import learnt_items

    return learnt_items(reader.path / "state.sqlite", answers.learner)
