"""`carrythrough form-link`: have a running server make a link to a form."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from carrythrough.cli.target import Target
from carrythrough.cli.terminal import say, say_json
from carrythrough.cli.usage import wrong_usage
from carrythrough.events.forms import FormName


def form_link(
    form: Annotated[FormName, Parameter(help="Which form.")],
    employee: Annotated[str, Parameter(help="Roster id of whom it is about.")],
    skill: Annotated[str, Parameter(help="Id of the skill in the program map.")],
    /,
    *,
    by: Annotated[
        str, Parameter(help="Roster id of who answers (default: the person themselves, or their manager).")
    ] = "",
    expires_h: Annotated[float, Parameter(help="Hours until it expires.")] = 14 * 24.0,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    target: Annotated[Target | None, Parameter(name="*")] = None,
) -> int:
    """Print a link with which one person answers one form, about one person and one skill, once.

    Send it to whom it is for and to nobody else: whoever opens it can answer. The credential needs the scope
    events/write.

    For example:

    ```sh
    carrythrough form-link manager-observation e-017 de-escalation --url http://127.0.0.1:8080
    carrythrough form-link self-report e-017 de-escalation --expires-h 72 --url http://127.0.0.1:8080
    ```
    """
    server = (target or Target()).server()
    if server is None:
        raise wrong_usage("links are made by a running server", "name it with --url", where="--url")
    from carrythrough.cli.server_reader import answer_of, client, reaching

    asked = {"form": form, "employee": employee, "skill": skill, "by": by, "expires_h": expires_h}
    with client(server) as http, reaching(server.url):
        answer = answer_of(http.post("/v1/form-links", json=asked))
    if json:
        say_json(answer)
    else:
        say(answer["url"])
        say(f"It works until {answer['expires']}, for one answer.", "dim")
    return 0
