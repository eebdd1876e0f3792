"""Whether an answer to an xAPI question was right, where the sender left the marking to us.

Answers and correct patterns use the delimiters `[,]` (items), `[.]` (pairs), `[:]` (ranges) and
may begin with {case_matters}, {order_matters} and {lang} (xAPI 1.0.3, part 2, appendix C).
"""

from __future__ import annotations

from carrythrough.evidence.types import Y_ONE
from carrythrough.xapi.statement import Activity, Statement

LIKERT = "likert"
"""Questions of opinion: no answer to them is right or wrong, so they are voice."""
PATTERN_CHARACTERS_MAX = 4_000
PATTERNS_MAX = 100
"""Longer or more numerous patterns are not marked: nobody writes such a question by hand."""


def answered_right(st: Statement) -> bool | None:
    """Return whether the response matches a correct pattern; None where that cannot be told."""
    obj, result = st.object, st.result
    if type(obj) is not Activity or obj.definition is None or result is None or result.response is None:
        return None
    patterns = obj.definition.correct_responses_pattern
    kind = obj.definition.interaction_type
    if not patterns or kind is None or len(patterns) > PATTERNS_MAX:
        return None
    compare = _COMPARE.get(kind)
    if compare is None or len(result.response) > PATTERN_CHARACTERS_MAX:
        return None
    return any(compare(result.response, text) for text in patterns if len(text) <= PATTERN_CHARACTERS_MAX)


def place_on_scale(st: Statement) -> int | None:
    """Return where a Likert answer lies on its scale, 0..Y_ONE from its first step to its last; None for no answer.

    Scales are written from the least to the most (xAPI 1.0.3 part 2, 4.1.4.1: `scale` lists interaction components).
    """
    obj, result = st.object, st.result
    if type(obj) is not Activity or obj.definition is None or result is None or not obj.definition.scale:
        return None
    steps = [step.id for step in obj.definition.scale]
    if result.response not in steps or len(steps) < 2:
        return None
    return steps.index(result.response) * Y_ONE // (len(steps) - 1)


def _same(response: str, pattern: str) -> bool:
    return response.strip() == pattern.strip()


def _same_word(response: str, pattern: str) -> bool:
    return response.strip().lower() == pattern.strip().lower()


def _same_set(response: str, pattern: str) -> bool:
    return sorted(response.split("[,]")) == sorted(pattern.split("[,]"))


def _numeric(response: str, pattern: str) -> bool:
    try:
        value = float(response)
        low, colon, high = pattern.partition("[:]")
        if not colon:
            return value == float(low)
        return (not low.strip() or value >= float(low)) and (not high.strip() or value <= float(high))
    except ValueError:
        return False


def _texts(response: str, pattern: str) -> bool:
    """Compare fill-in answers: order counts unless the pattern says not, case only where it says so."""
    options = {"case_matters": False, "order_matters": True}
    pattern, response = _options(pattern, options), _options(response, {})
    wanted, given = pattern.split("[,]"), response.split("[,]")
    if not options["case_matters"]:
        wanted, given = [text.lower() for text in wanted], [text.lower() for text in given]
    wanted, given = [text.strip() for text in wanted], [text.strip() for text in given]
    return given == wanted if options["order_matters"] else sorted(given) == sorted(wanted)


def _options(text: str, options: dict[str, bool]) -> str:
    """Strip the leading {name=value} options, writing those that `options` knows into it."""
    while text.startswith("{"):
        head, brace, rest = text[1:].partition("}")
        name, equals, value = head.partition("=")
        if not brace or not equals:
            break
        if name in options:
            options[name] = value == "true"
        text = rest
    return text


_COMPARE = {
    "true-false": _same_word,
    "choice": _same_set,
    "sequencing": _same,
    "matching": _same_set,
    "performance": _same,
    "numeric": _numeric,
    "fill-in": _texts,
    "long-fill-in": _texts,
    "other": _same,
}
