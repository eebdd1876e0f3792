"""The program `carrythrough`: its commands, and how every one of them ends.

Exit codes: 0 done; 1 something was found or refused; 2 the command line is wrong; 130 interrupted.
The modules of the commands import what is heavy when they run, so that --help answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Group, Parameter

from carrythrough import __version__
from carrythrough.cli.actions import list_actions, preview
from carrythrough.cli.adapters import list_adapters
from carrythrough.cli.baseline import close, show_baselines
from carrythrough.cli.bench_science import bench_science
from carrythrough.cli.contest import list_contests, restore, set_aside
from carrythrough.cli.credentials import add, list_credentials, remove
from carrythrough.cli.deadletters import list_dead_letters, replay
from carrythrough.cli.doctor import doctor
from carrythrough.cli.documents import forget, list_documents
from carrythrough.cli.enriched import enriched
from carrythrough.cli.explain import explain
from carrythrough.cli.form_link import form_link
from carrythrough.cli.forward import list_refused, replay_refused, show_refused, status
from carrythrough.cli.groups import groups
from carrythrough.cli.hooks import replay_hook, show_hook
from carrythrough.cli.ingest import ingest
from carrythrough.cli.model import compare_models, list_models, promote_model
from carrythrough.cli.model_answers import list_items
from carrythrough.cli.needs import needs
from carrythrough.cli.policy import approve, resume, show_policy, stop
from carrythrough.cli.policy_learn import learn_policy
from carrythrough.cli.program.coverage import coverage
from carrythrough.cli.program.diff import diff
from carrythrough.cli.program.dry_run import dry_run
from carrythrough.cli.program.init import init as init_map
from carrythrough.cli.program.lint import lint as lint_map
from carrythrough.cli.program.schema import schema as map_schema
from carrythrough.cli.program.test import run_tests as test_map
from carrythrough.cli.pull import pull
from carrythrough.cli.quarantine import export, list_quarantine, show
from carrythrough.cli.refit import refit
from carrythrough.cli.registration import registration
from carrythrough.cli.replay import replay_quarantine
from carrythrough.cli.reviews import reviews
from carrythrough.cli.roster import (
    check_file,
    import_roster,
    list_people,
    list_unknown,
    put_people,
    remove_person,
    show_person,
)
from carrythrough.cli.scores import scores
from carrythrough.cli.serve import serve
from carrythrough.cli.start_demo import demo
from carrythrough.cli.terminal import show_problem
from carrythrough.cli.uplift import uplift
from carrythrough.cli.usage import UsageError
from carrythrough.cli.validate import validate
from carrythrough.errors import CarrythroughError, Problem

EXIT_DONE, EXIT_FOUND, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
STANDARD_INPUT = "/dev/stdin"
"""What "-" stands for: the parser of the command line takes a lone hyphen for an option."""
TRACEBACK_VARIABLE = "CARRYTHROUGH_TRACEBACK"

_HELP = """\
Did the training carry through to the job? Live, explained transfer scores from xAPI statements and job events.

First steps: `carrythrough demo` shows it alive with simulated people. With your own data: begin a program map with
`program init`, check it with `program lint`, start `serve` (or bring files in with `ingest`), then look at `scores`
and ask `explain` why.

Every command explains itself: `carrythrough COMMAND --help`.
"""


def _worth_showing(default: object) -> object:
    """Return a default that tells something; an empty text or a flag that is off does not."""
    return default or None


app = App(
    name="carrythrough",
    version=__version__,
    help=_HELP,
    help_format="markdown",
    default_parameter=Parameter(negative=(), show_default=_worth_showing),
    result_action="return_value",
)

_START = Group("Start", sort_key=1)
_LOOK = Group("Look", sort_key=2)
_RUN = Group("Run and mend", sort_key=3)
_ABOUT = Group("About", sort_key=4)
app["--help"].group = (_ABOUT,)
app["--version"].group = (_ABOUT,)

app.command(demo, group=_START, sort_key=0)
app.command(validate, group=_START, sort_key=1)
app.command(serve, group=_START, sort_key=2)
app.command(ingest, group=_START, sort_key=3)
app.command(pull, group=_START, sort_key=4)
app.command(scores, group=_LOOK, sort_key=0)
app.command(explain, group=_LOOK, sort_key=1)
app.command(groups, group=_LOOK, sort_key=2)
app.command(reviews, group=_LOOK, sort_key=3)
app.command(registration, group=_LOOK, sort_key=2)
app.command(needs, group=_LOOK, sort_key=3)
app.command(uplift, group=_LOOK, sort_key=4)
app.command(enriched, group=_LOOK, sort_key=5)
app.command(bench_science, name="bench-science", group=_ABOUT, sort_key=0)
app.command(doctor, group=_RUN, sort_key=0)

_program = App(
    name="program",
    group=_START,
    sort_key=1,
    help="The program map: begun, checked, tried out before it goes live.",
)
_program.command(init_map, name="init", sort_key=0)
_program.command(lint_map, name="lint", sort_key=1)
_program.command(test_map, name="test", sort_key=2)
_program.command(coverage, sort_key=3)
_program.command(diff, sort_key=4)
_program.command(dry_run, name="dry-run", sort_key=5)
_program.command(map_schema, name="schema", sort_key=6)
app.command(_program)

_quarantine = App(name="quarantine", group=_RUN, help="Records that were refused or could not be scored.")
_quarantine.command(list_quarantine, name="list")
_quarantine.command(show)
_quarantine.command(export)
_quarantine.command(replay_quarantine, name="replay")
app.command(_quarantine)

app.command(form_link, name="form-link", group=_RUN, sort_key=8)

_hooks = App(name="hooks", group=_RUN, help="Systems that post JSON of their own: what it becomes.")
_hooks.command(show_hook, name="test")
_hooks.command(replay_hook, name="replay")
app.command(_hooks)

_dead_letters = App(name="deadletters", group=_RUN, help="Actions that could not be delivered.")
_dead_letters.command(list_dead_letters, name="list")
_dead_letters.command(replay)
app.command(_dead_letters)

_contest = App(
    name="contest", group=_RUN, help="Evidence that somebody contests: set aside, restored, listed."
)
_contest.command(set_aside)
_contest.command(restore)
_contest.command(list_contests, name="list")
app.command(_contest)

_policy = App(
    name="policy", group=_RUN, help="Actions stopped and resumed at run time; rules that wait for approval."
)
_policy.command(show_policy, name="show")
_policy.command(stop)
_policy.command(resume)
_policy.command(approve)
_policy.command(learn_policy, name="learn")
app.command(_policy)

_forward = App(name="forward", group=_RUN, help="Statements sent on to other Learning Record Stores.")
_forward.command(status)
_forward.command(list_refused, name="deadletters")
_forward.command(show_refused, name="show")
_forward.command(replay_refused, name="replay")
app.command(_forward)

app.command(refit, group=_RUN, sort_key=9)

_baseline = App(name="baseline", group=_RUN, help="What KPIs looked like before the program.")
_baseline.command(close)
_baseline.command(show_baselines, name="show")
app.command(_baseline)

_documents = App(
    name="documents", group=_RUN, help="What content has kept about an agent: states and profiles."
)
_documents.command(list_documents, name="list")
_documents.command(forget)
app.command(_documents)

_actions = App(name="actions", group=_RUN, help="What rules may ask for, and how a message will read.")
_actions.command(list_actions, name="list")
_actions.command(preview)
app.command(_actions)

_adapters = App(name="adapters", group=_RUN, help="Where actions go: plugins and their configuration.")
_adapters.command(list_adapters, name="list")
app.command(_adapters)

_model = App(
    name="model",
    group=_RUN,
    help="The versions of the scoring head, and what the shadow learners have learnt.",
)
_model.command(list_models, name="list")
_model.command(compare_models, name="compare")
_model.command(list_items, name="items")
_model.command(promote_model, name="promote")
app.command(_model)

_roster = App(name="roster", group=_RUN, help="The people: listed, put, removed, imported, checked.")
_roster.command(list_people, name="list")
_roster.command(show_person, name="show")
_roster.command(put_people, name="put")
_roster.command(remove_person, name="remove")
_roster.command(import_roster, name="import")
_roster.command(list_unknown, name="unknown")
_roster.command(check_file, name="check")
app.command(_roster)

_credentials = App(
    name="credentials", group=_RUN, help="Who may send and who may read: the keys of a data folder."
)
_credentials.command(add)
_credentials.command(list_credentials, name="list")
_credentials.command(remove)
app.command(_credentials)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every error ends as a readable block on stderr."""
    given_arguments = sys.argv[1:] if arguments is None else arguments
    tokens = [STANDARD_INPUT if given == "-" else given for given in given_arguments]
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    as_json = "--json" in tokens
    try:
        code = app(tokens, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except CycloptsError as error:
        show_problem(_usage(error, tokens), as_json=as_json)
        return EXIT_USAGE
    except UsageError as error:
        show_problem(error.problem, as_json=as_json)
        return EXIT_USAGE
    except CarrythroughError as error:
        show_problem(error.problem, as_json=as_json)
        return EXIT_FOUND
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough; nothing is left to say to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        show_problem(_fault(error), as_json=as_json)
        return EXIT_FOUND
    return code if isinstance(code, int) else EXIT_DONE


def _usage(error: CycloptsError, tokens: Sequence[str]) -> Problem:
    command = " ".join(error.command_chain or ())
    return Problem(
        code="usage",
        status=400,
        title="The command line is not understood",
        detail=str(error),
        where=" ".join(tokens),
        fix=f"carrythrough {command} --help".replace("  ", " "),
    )


def _fault(error: Exception) -> Problem:
    return Problem(
        code="cli-bug",
        status=500,
        title="A fault of ours",
        detail=f"{type(error).__name__}: {error}",
        rule="no input may end a command like this",
        fix=f"report it with the output of the same command with {TRACEBACK_VARIABLE}=1 set",
    )


if __name__ == "__main__":
    sys.exit(main())
