"""What a stored statement can be found by, read from its text at the least cost.

Only the members that filters ask for are decoded, everything else is skipped by the decoder. Parts
repeat from statement to statement as the very same bytes; what they say is remembered by these
bytes. Texts were admitted before, so no rule is checked here.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Raw

from carrythrough.embedded.statements import digests as roles
from carrythrough.embedded.statements.digests import Digests
from carrythrough.identity.actor import actor_key
from carrythrough.pipeline.records import VOIDED_VERB
from carrythrough.xapi.absence import Maybe
from carrythrough.xapi.memo import Memo

MEMO_BYTES = 2 << 20
"""One of five memories of parts, each of which may keep two generations of this size."""


class _Sent(msgspec.Struct, rename="camel", gc=False):
    """Base of the shapes as stored; members that are not named here are skipped."""


class _Account(_Sent):
    home_page: str = ""
    name: str = ""


class _Party(_Sent):
    """An agent or group."""

    mbox: str | None = None
    mbox_sha1sum: str | None = msgspec.field(default=None, name="mbox_sha1sum")
    openid: str | None = None
    account: _Account | None = None
    member: tuple[_Party, ...] = ()


class _Activity(_Sent):
    id: str = ""
    definition: Maybe[Raw] = None


class _ContextAgent(_Sent):
    agent: _Party


class _ContextGroup(_Sent):
    group: _Party


class _Related(_Sent):
    parent: _Activity | tuple[_Activity, ...] = ()
    grouping: _Activity | tuple[_Activity, ...] = ()
    category: _Activity | tuple[_Activity, ...] = ()
    other: _Activity | tuple[_Activity, ...] = ()


class _Context(_Sent):
    registration: str = ""
    instructor: _Party | None = None
    team: _Party | None = None
    context_activities: Maybe[Raw] = None
    context_agents: tuple[_ContextAgent, ...] = ()
    context_groups: tuple[_ContextGroup, ...] = ()


class _Verb(_Sent):
    id: str


class _Object(_Party):
    """Whatever a statement can be about."""

    object_type: str = "Activity"
    id: str = ""
    definition: Maybe[Raw] = None
    actor: _Party | None = None
    object: _Object | None = None
    context: _Context | None = None


class Sent(_Sent):
    """A statement's text, with the parts that repeat still as text."""

    actor: Raw
    verb: _Verb
    object: Raw
    context: _Context | None = None


class Found(msgspec.Struct, frozen=True, gc=False):
    """What a statement can be found by.

    digests: of all its values in their roles, those of most use first. target: the 32 upper-case
    hexadecimal digits of the statement that it refers to as its object, "" for none. voiding: its
    verb says that it voids that statement.
    """

    digests: tuple[int, ...]
    target: str
    voiding: bool


class _Part(msgspec.Struct, frozen=True, gc=False):
    """What one part says: digests of the narrow roles, then of the related ones, and a target."""

    narrow: tuple[int, ...]
    related: tuple[int, ...] = ()
    target: str = ""


decode = msgspec.json.Decoder(Sent).decode
_party = msgspec.json.Decoder(_Party).decode
_object = msgspec.json.Decoder(_Object).decode
_related = msgspec.json.Decoder(_Related).decode

Learn = Callable[[str, bytes], None]
"""Takes the id and the text of the definition of an activity."""


class Reader:
    """Turns stored texts into what they can be found by; used by one thread."""

    def __init__(self, digests: Digests, learn: Learn) -> None:
        """learn: called with each definition of a statement whose sender may define activities.

        A definition whose text was met a short while ago is left out.
        """
        self._of = digests.of
        self._learn = learn
        self._parties: Memo[tuple[int, ...]] = Memo(MEMO_BYTES)
        self._objects: tuple[Memo[_Part], Memo[_Part]] = (Memo(MEMO_BYTES), Memo(MEMO_BYTES))
        self._around: tuple[Memo[tuple[int, ...]], Memo[tuple[int, ...]]] = (
            Memo(MEMO_BYTES),
            Memo(MEMO_BYTES),
        )

    def read(self, sent: Sent, credential: str, *, defines: bool) -> Found:
        """Return what a statement can be found by. credential: who stored it, and may define activities or not."""
        of = self._of
        text = bytes(sent.actor)
        actor = self._parties.find(text)
        if actor is None:
            actor = tuple(self._agents(_party(text), roles.AGENT))
            self._parties.keep(text, actor)
        text = bytes(sent.object)
        memo = self._objects[defines]
        about = memo.find(text)
        if about is None:
            about = self._about(_object(text), defines=defines)
            memo.keep(text, about)
        found = (of(roles.CREDENTIAL, credential), of(roles.VERB, sent.verb.id), *actor, *about.narrow)
        context = sent.context
        if context is not None:
            if context.registration:
                found += (of(roles.REGISTRATION, context.registration.lower()),)
            found += self._context(context, defines=defines)
        return Found(found + about.related, about.target, sent.verb.id == VOIDED_VERB and about.target != "")

    def _about(self, sent: _Object, *, defines: bool) -> _Part:
        of, kind = self._of, sent.object_type
        if kind == "Activity":
            if defines and sent.definition is not None:
                self._learn(sent.id, bytes(sent.definition))
            return _Part((of(roles.ACTIVITY, sent.id),))
        if kind == "StatementRef":
            return _Part((), (), sent.id.replace("-", "").upper())
        if kind != "SubStatement":
            return _Part(tuple(self._agents(sent, roles.AGENT)))
        related: list[int] = []
        if sent.actor is not None:
            related += self._agents(sent.actor, roles.RELATED_AGENT)
        inner = sent.object
        if inner is not None and inner.object_type == "Activity":
            if defines and inner.definition is not None:
                self._learn(inner.id, bytes(inner.definition))
            related.append(of(roles.RELATED_ACTIVITY, inner.id))
        elif inner is not None and inner.object_type != "StatementRef":
            related += self._agents(inner, roles.RELATED_AGENT)
        if sent.context is not None:
            related += self._context(sent.context, defines=defines)
        return _Part((), tuple(related))

    def _context(self, sent: _Context, *, defines: bool) -> tuple[int, ...]:
        found: tuple[int, ...] = ()
        if sent.context_activities is not None:
            text = bytes(sent.context_activities)
            memo = self._around[defines]
            known = memo.find(text)
            if known is None:
                known = tuple(self._activities(_related(text), defines=defines))
                memo.keep(text, known)
            found = known
        parties = [party for party in (sent.instructor, sent.team) if party is not None]
        parties += [one.agent for one in sent.context_agents]
        parties += [one.group for one in sent.context_groups]
        for party in parties:
            found += tuple(self._agents(party, roles.RELATED_AGENT))
        return found

    def _activities(self, sent: _Related, *, defines: bool) -> list[int]:
        found: list[int] = []
        for some in (sent.parent, sent.grouping, sent.category, sent.other):
            for one in (some,) if isinstance(some, _Activity) else some:
                if defines and one.definition is not None:
                    self._learn(one.id, bytes(one.definition))
                found.append(self._of(roles.RELATED_ACTIVITY, one.id))
        return found

    def _agents(self, party: _Party, role: str) -> list[int]:
        keys = (actor_key(one) for one in (party, *party.member))
        return [self._of(role, key) for key in keys if key]
