"""`carrythrough refit`: how much learning should count beside the job, fitted to what happened here."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from carrythrough.cli.contest import in_folder
from carrythrough.cli.target import Target
from carrythrough.cli.terminal import say, say_json, say_wrapped


def refit(
    *,
    activate: Annotated[bool, Parameter(help="Bring the new value into force, as a model version.")] = False,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    data_dir: Annotated[str | None, Parameter(help="The data folder.")] = None,
    config: Annotated[Path | None, Parameter(help="Settings file that names the data folder.")] = None,
) -> int:
    """Fit m, the number of outcomes that learning counts for beside the job, to the outcomes of this organisation.

    It prints the likelihood of the old and the new value and changes nothing, unless --activate is given and the
    new value is better. A small m lets the job speak sooner, a large one trusts learning longer.

    For example:

    ```sh
    carrythrough refit --data-dir data
    carrythrough refit --activate --data-dir data
    ```
    """

    def work(runtime: Any) -> dict[str, Any]:
        return _work(runtime, activate=activate)

    found = in_folder(Target(data_dir=data_dir, config=config), work)
    if json:
        say_json(found)
    else:
        _show(found)
    return 0


def _work(runtime: Any, *, activate: bool) -> dict[str, Any]:
    from carrythrough.scoring.refit import TERMS_MIN
    from carrythrough.scoring.refit import refit as fitted

    model = runtime.fold.in_force.model
    terms = runtime.job_terms()
    fit = fitted(terms, model.job_strength)
    answer: dict[str, Any] = {
        "model": model.name,
        "m": model.job_strength,
        "outcomes": len(terms),
        "activated": False,
    }
    if fit is None:
        return answer | {"needed": TERMS_MIN, "fitted": None}
    answer |= {
        "fitted": round(fit.m_after, 2),
        "log_likelihood": round(fit.before, 6),
        "log_likelihood_fitted": round(fit.after, 6),
    }
    if activate and fit.after > fit.before:
        answer["model"] = _activate(runtime, model, answer)
        answer["activated"] = True
    return answer


def _activate(runtime: Any, model: Any, answer: dict[str, Any]) -> str:
    import msgspec

    from carrythrough.pipeline.model_version import ModelVersion

    name = f"{model.name.partition('+')[0]}+m{answer['fitted']:g}"
    changed = msgspec.structs.replace(model, name=name, job_strength=answer["fitted"])
    comparison = {key: answer[key] for key in ("log_likelihood", "log_likelihood_fitted", "outcomes")}
    runtime.activate_model(ModelVersion(model=changed, by=f"cli:{getpass.getuser()}", comparison=comparison))
    return name


def _show(found: dict[str, Any]) -> None:
    if found["fitted"] is None:
        say(f"Too few outcomes on the job: {found['outcomes']} of {found['needed']}. m stays {found['m']:g}.")
        return
    say(f"Fitted to {found['outcomes']} outcomes on the job", "bold")
    say(f"  m now     {found['m']:>7g}   mean log-likelihood {found['log_likelihood']:.5f}")
    say(f"  m fitted  {found['fitted']:>7g}   mean log-likelihood {found['log_likelihood_fitted']:.5f}")
    say()
    if found["activated"]:
        say(f"In force from now on, as model {found['model']}.", "bold")
    else:
        say_wrapped(
            "Nothing was changed. Both values are judged on the same outcomes; --activate brings it into force.",
            "",
        )
