"""From the `adapters` section of the settings to adapters that can send.

Plugins are found by entry point; the built-in adapters come through the same door. A plugin that
cannot be loaded is a problem of that plugin, never of the process. The configuration is read into the
plugin's own Struct (see `reading`), and secrets never leave it: `BuiltAdapter` removes them from every
receipt and every error of the adapter, so that no outbox row and no log line can carry one.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from carrythrough.dispatch.limits import AdapterLimits
from carrythrough.dispatch.reading import read_struct
from carrythrough.dispatch.redaction import Redaction
from carrythrough.errors import PermanentError, Problem
from carrythrough.plugin import (
    ENTRY_POINT_GROUP,
    ActionRequested,
    Adapter,
    AdapterSpec,
    CarrythroughError,
    Recipient,
)

OWN_DISTRIBUTION = "carrythrough"
NAME_PATTERN = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
NAME_LENGTH_MAX = 63
"""Names of adapters are metric labels and keys of program maps: kebab-case and short."""
STABILITIES = ("stable", "beta")


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """What is installed: specs by name, and a problem for each plugin that cannot be used."""

    specs: dict[str, AdapterSpec]
    broken: tuple[Problem, ...]


class BuiltAdapter:
    """An adapter under its name in the settings, with its limits, whose words carry no secret."""

    def __init__(
        self, name: str, spec: AdapterSpec, adapter: Adapter, limits: AdapterLimits, redaction: Redaction
    ) -> None:
        self.name = name
        self.spec = spec
        self.limits = limits
        self._adapter = adapter
        self._redaction = redaction

    def __repr__(self) -> str:
        return f"BuiltAdapter(name={self.name!r}, adapter={self.spec.name!r})"

    def check(self) -> str:
        """Say in one line whether the configuration can work, without sending; raises as `send`."""
        try:
            return self._redaction.clean(str(self._adapter.check()))
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises may carry a secret
            raise self._redaction.clean_error(error) from None

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Deliver; the receipt and any error come back without secrets."""
        try:
            return self._redaction.clean(str(self._adapter.send(action, recipient, idempotency_key)))
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises may carry a secret
            raise self._redaction.clean_error(error) from None

    def close(self) -> None:
        """Release what the adapter holds."""
        try:
            self._adapter.close()
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises may carry a secret
            raise self._redaction.clean_error(error) from None


def discover() -> Discovery:
    """Load the spec of every installed adapter plugin."""
    specs: dict[str, AdapterSpec] = {}
    broken: list[Problem] = []
    for name, offers in sorted(_offers().items()):
        try:
            specs[name] = _load(name, offers)
        except PermanentError as error:
            broken.append(error.problem)
    return Discovery(specs=specs, broken=tuple(broken))


def find_spec(name: str, where: str = "") -> AdapterSpec:
    """Return the spec of the adapter `name`.

    Raises PermanentError: "adapter-unknown" (with what is installed and a suggestion), or
    "adapter-broken". `where` is the configuration key to blame.
    """
    offers = _offers()
    if name in offers:
        return _load(name, offers[name], where)
    known = sorted(offers)
    near = difflib.get_close_matches(name, known, n=1)
    fix = f"did you mean {near[0]!r}?" if near else "install the plugin that offers it, or name one of these"
    problem = Problem(
        code="adapter-unknown",
        status=400,
        title="No installed plugin offers this adapter",
        detail=f"{name!r} is not one of: {', '.join(known) or 'none installed'}",
        where=where,
        rule=f"`adapter` names an entry point of the group {ENTRY_POINT_GROUP}",
        fix=fix,
    )
    raise PermanentError(problem)


def build_adapters(section: Mapping[str, Any]) -> dict[str, BuiltAdapter]:
    """Return the adapters of the settings section `adapters`, by their names in it; sends nothing.

    section: name → {adapter: plugin name (default: the name itself), limits: `AdapterLimits` as a
    table, and the keys of the plugin's configuration}. Raises PermanentError whose problem names the
    first fault and lists the others in its detail.
    """
    built: dict[str, BuiltAdapter] = {}
    problems: list[Problem] = []
    for name, table in section.items():
        try:
            built[name] = _build(name, table)
        except PermanentError as error:
            problems.append(error.problem)
    if problems:
        raise PermanentError(_joined(problems))
    return built


def read_config(spec: AdapterSpec, table: Mapping[str, Any], where: str) -> Any:
    """Return `table` as the configuration Struct of `spec`; raises PermanentError "adapter-setting"."""
    return read_struct(
        spec.config, table, where, title=f"A setting of the adapter {spec.name!r} does not fit"
    )


def _build(name: str, table: Any) -> BuiltAdapter:
    where = f"adapters.{name}"
    if len(name) > NAME_LENGTH_MAX or not NAME_PATTERN.fullmatch(name):
        raise PermanentError(_setting(where, f"{name!r} is no name for an adapter", _NAME_RULE))
    if not isinstance(table, Mapping):
        raise PermanentError(_setting(where, f"expected a table, got {type(table).__name__}", _TABLE_RULE))
    rest = dict(table)
    wanted = rest.pop("adapter", name)
    if not isinstance(wanted, str):
        raise PermanentError(_setting(f"{where}.adapter", "expected a text", _TABLE_RULE))
    limits_table = rest.pop("limits", {})
    spec = find_spec(wanted, f"{where}.adapter")
    limits = read_struct(AdapterLimits, limits_table, f"{where}.limits", title="A limit does not fit")
    config = read_config(spec, rest, where)
    redaction = Redaction.of(config)
    try:
        adapter = spec.factory(config)
    except CarrythroughError as error:
        raise PermanentError(redaction.clean_problem(error.problem)) from None
    except Exception as error:  # noqa: BLE001 - a plugin's bug is its own problem, not the process's
        detail = f"its factory raised {redaction.clean(f'{type(error).__name__}: {error}')}"
        raise PermanentError(_broken(spec.name, detail, where)) from None
    return BuiltAdapter(name, spec, adapter, limits, redaction)


_NAME_RULE = f"names are kebab-case (a-z, 0-9, single hyphens), at most {NAME_LENGTH_MAX} characters"
_TABLE_RULE = 'each adapter is a table, for example [adapters.crm] with adapter = "webhook"'


def _offers() -> dict[str, list[importlib.metadata.EntryPoint]]:
    """Return entry points by name; the same value seen twice (a path listed twice) counts once."""
    offers: dict[str, list[importlib.metadata.EntryPoint]] = {}
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        same_name = offers.setdefault(point.name, [])
        if point.value not in [other.value for other in same_name]:
            same_name.append(point)
    return offers


def _load(name: str, offers: list[importlib.metadata.EntryPoint], where: str = "") -> AdapterSpec:
    """Return the spec behind an entry point; of several with one name only ours is ever taken."""
    own = [point for point in offers if point.dist is not None and point.dist.name == OWN_DISTRIBUTION]
    if len(offers) > 1 and not own:
        values = ", ".join(point.value for point in offers)
        raise PermanentError(_broken(name, f"several plugins offer this name: {values}", where))
    point = (own or offers)[0]
    try:
        spec = point.load()
    except Exception as error:
        detail = f"{point.value} cannot be loaded: {type(error).__name__}: {error}"
        raise PermanentError(_broken(name, detail, where)) from error
    faults = list(_faults(name, spec))
    if faults:
        raise PermanentError(_broken(name, f"{point.value}: {'; '.join(faults)}", where))
    assert isinstance(spec, AdapterSpec)  # noqa: S101 - `_faults` has checked it; this tells mypy
    return spec


def _faults(name: str, spec: object) -> Iterable[str]:
    """Yield what in a loaded value breaks the contract of `AdapterSpec`."""
    if not isinstance(spec, AdapterSpec):
        yield f"is a {type(spec).__name__}, not an AdapterSpec"
        return
    if spec.name != name:
        yield f"its name is {spec.name!r}, the entry point's {name!r}"
    if spec.stability not in STABILITIES:
        yield f"stability {spec.stability!r} is not one of {', '.join(STABILITIES)}"
    config: object = spec.config
    if not (isinstance(config, type) and issubclass(config, msgspec.Struct)):
        yield "config is not a msgspec Struct type"
    if not callable(spec.factory):
        yield "factory cannot be called"


def _broken(name: str, detail: str, where: str) -> Problem:
    return Problem(
        code="adapter-broken",
        status=500,
        title=f"The plugin of the adapter {name!r} cannot be used",
        detail=detail,
        where=where or f"entry point {ENTRY_POINT_GROUP}:{name}",
        rule="the entry point's value is an AdapterSpec (see docs/how-to/adapters.md)",
        fix="upgrade or uninstall the plugin",
    )


def _setting(where: str, detail: str, rule: str) -> Problem:
    title = "A setting of an adapter does not fit"
    return Problem(code="adapter-setting", status=400, title=title, detail=detail, where=where, rule=rule)


def _joined(problems: list[Problem]) -> Problem:
    """Return the first problem, with the others as sentences behind its detail."""
    first, *others = problems
    if not others:
        return first
    more = "; ".join(problem.sentence() for problem in others)
    return msgspec.structs.replace(first, detail=f"{first.detail}; and {len(others)} more: {more}")
