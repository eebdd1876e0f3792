"""`carrythrough hooks`: what a body becomes, and bodies that could not be mapped tried again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from carrythrough.cli.target import Target
from carrythrough.cli.terminal import note, plural, say, say_json, show_parts, styled
from carrythrough.cli.usage import wrong_usage
from carrythrough.errors import PermanentError, Problem

MappingFile = Annotated[
    Path | None, Parameter(help="Mapping to use (default: that of the webhook in the settings).")
]
At = Annotated[Target | None, Parameter(name="*")]


def show_hook(
    name: Annotated[str, Parameter(help="Name of the webhook in the settings; any name with --mapping.")],
    file: Annotated[Path, Parameter(help="File with a body (JSON), or - for standard input.")],
    /,
    *,
    mapping: MappingFile = None,
    json: Annotated[bool, Parameter(help="Print the events as JSON lines.")] = False,
    target: At = None,
) -> int:
    """Show what a body becomes: its events, what the filters keep out, and what does not map, with its place.

    Nothing is stored and no signature is needed. The exit code is 1 when something does not map.

    For example:

    ```sh
    carrythrough hooks test zendesk ticket.json --config carrythrough.toml
    carrythrough hooks test crm body.json --mapping crm.yaml
    ```
    """
    from carrythrough.events.admission import EventLimits, read_json
    from carrythrough.events.body_mapping import map_body
    from carrythrough.gateway.webhooks.endpoint import DEPTH_MAX

    rules = _mapping_of(name, mapping, target)
    try:
        body = file.read_bytes()
    except OSError as error:
        raise wrong_usage(f"{file}: {error.strerror}", "name a file with a body", where="FILE") from None
    document = read_json(body, "", EventLimits(depth_max=DEPTH_MAX))
    mapped = map_body(rules, document, f"hook:{name}")
    events = [msgspec.json.decode(one.raw) for one in mapped.events]
    if json:
        refused = [msgspec.to_builtins(one.problem) for one in mapped.refused]
        say_json({"events": events, "filtered": mapped.filtered, "refused": refused})
        return 1 if mapped.refused else 0
    counted = plural(mapped.entries, "entry", "entries")
    say(
        f"{counted}: {plural(len(events), 'event')}, {mapped.filtered} filtered out, {len(mapped.refused)} refused",
        "bold",
    )
    for event in events:
        say(msgspec.json.format(msgspec.json.encode(event), indent=2).decode())
    for one in mapped.refused:
        _show(one.entry, one.problem)
    return 1 if mapped.refused else 0


def replay_hook(
    name: Annotated[str, Parameter(help="Name of the webhook in the settings; any name with --mapping.")],
    /,
    *,
    mapping: MappingFile = None,
    file: Annotated[
        Path | None, Parameter(help="Quarantine file (default: hooks.quarantine.jsonl of the data folder).")
    ] = None,
    json: Annotated[bool, Parameter(help="Print the result as JSON.")] = False,
    target: At = None,
) -> int:
    """Map bodies that were kept again, by the mapping as it is now, and store the events.

    Into a data folder, or into a running server with --url, --key and --secret (scope events/write) and
    --file. What was stored before is known and counts once, so a replay may be repeated. The exit code is 1 while
    some bodies do not map.

    For example:

    ```sh
    carrythrough hooks replay zendesk --config carrythrough.toml
    carrythrough hooks replay crm --mapping crm.yaml --file data/hooks.quarantine.jsonl --url http://127.0.0.1:8080
    ```
    """
    from carrythrough.cli.ingest import open_delivery

    target = target or Target()
    rules = _mapping_of(name, mapping, target)
    path = file or _kept_file(target)
    bodies = list(_bodies(path, name))
    outcome = _Outcome()
    delivery, _ = open_delivery(target, None, None)
    try:
        for number, body in bodies:
            outcome.take(delivery, number, body, rules, name)
        delivery.folded(lambda _: None)
    finally:
        delivery.close()
    if json:
        say_json(outcome.as_dict(len(bodies)))
    else:
        say(f"{plural(len(bodies), 'body', 'bodies')} of hook:{name} in {path}", "bold")
        say(f"  stored         {outcome.accepted:>8,}")
        say(f"  already known  {outcome.known:>8,}")
        say(f"  still refused  {len(outcome.refused):>8,}")
        for number, problem in outcome.refused[:10]:
            _show(number, problem, word="line")
    return 1 if outcome.refused else 0


class _Outcome:
    """What became of the bodies of a replay."""

    def __init__(self) -> None:
        self.accepted = 0
        self.known = 0
        self.refused: list[tuple[int, Problem]] = []

    def take(self, delivery: Any, number: int, body: bytes, rules: Any, name: str) -> None:
        """Map one body and deliver each of its events alone, so that none holds up another."""
        from carrythrough.cli.importing.delivery import REFUSED_STATUSES
        from carrythrough.events.admission import EventLimits, read_json
        from carrythrough.events.body_mapping import map_body
        from carrythrough.gateway.webhooks.endpoint import DEPTH_MAX

        try:
            mapped = map_body(rules, read_json(body, "", EventLimits(depth_max=DEPTH_MAX)), f"hook:{name}")
        except PermanentError as error:
            self.refused.append((number, error.problem))
            return
        self.refused += [(number, one.problem) for one in mapped.refused]
        for event in mapped.events:
            try:
                sent = delivery.send("events", "", [event.raw])
            except PermanentError as error:
                if error.problem.status not in REFUSED_STATUSES:
                    raise
                self.refused.append((number, error.problem))
            else:
                self.accepted += sent.accepted
                self.known += sent.known

    def as_dict(self, bodies: int) -> dict[str, Any]:
        """Return everything for --json."""
        refused = [{"line": number, **msgspec.to_builtins(problem)} for number, problem in self.refused]
        return {"bodies": bodies, "accepted": self.accepted, "known": self.known, "refused": refused}


def _mapping_of(name: str, mapping: Path | None, target: Target | None) -> Any:
    from carrythrough.gateway.webhooks.hooks import read_mapping

    if mapping is not None:
        return read_mapping(mapping, "--mapping")
    webhooks = (target or Target()).settings().webhooks
    if name not in webhooks:
        known = ", ".join(sorted(webhooks)) or "none"
        raise wrong_usage(
            f"the settings name no webhook {name!r}",
            f"name one of: {known}; or give --mapping FILE",
            where="NAME",
        )
    return read_mapping(Path(webhooks[name].mapping), f"webhooks.{name}.mapping")


def _kept_file(target: Target) -> Path:
    from carrythrough.gateway.webhooks.kept import FILE_NAME

    if target.server() is not None:
        raise wrong_usage(
            "a server does not hand out what it kept", "name its file with --file", where="--file"
        )
    return Path(target.settings().data_dir) / FILE_NAME


def _bodies(path: Path, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield (line of the file, body) of each kept body of a webhook, each body once."""
    from carrythrough.quarantine_file import read_quarantine

    if not path.exists():
        note(f"{path} does not exist: nothing was kept.")
        return
    seen: set[bytes] = set()
    for entry in read_quarantine(path):
        raw = entry.raw()
        if entry.file == f"hook:{name}" and raw not in seen:
            seen.add(raw)
            yield entry.number, raw


def _show(number: int, problem: Problem, word: str = "entry") -> None:
    from carrythrough.cli.terminal import err

    err().print(styled(f"{word} {number}: {problem.title}", "yellow"))
    show_parts(
        [
            ("what", problem.detail),
            ("where", problem.where),
            ("rule", problem.rule),
            ("fix", problem.fix),
            ("code", problem.code),
        ]
    )
