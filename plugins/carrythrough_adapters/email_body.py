"""The words of an e-mail: plain text, and the same as HTML without images, scripts or trackers."""

from __future__ import annotations

from html import escape

from carrythrough.plugin import ActionRequested, answer_choices

_PAGE = (
    '<!doctype html><html><body style="font-family: sans-serif; line-height: 1.5; max-width: 40em">'
    "{parts}</body></html>\n"
)
_SMALL = '<p style="color: #555; font-size: 0.9em">{text}</p>'


def text_body(action: ActionRequested, leave: str) -> str:
    """Return the text part; `leave` is the link to opt out, or ""."""
    parts = [_clean(action.title), _clean(action.body), _clean(action.link)]
    if action.why:
        parts.append(f"Why you get this: {_clean(action.why)}")
    choices = [f"{words}: {link}" for words, link in answer_choices(action)]
    if choices:
        parts.append("\n".join(["Your answer, with one more click on the page:", *choices]))
    if leave:
        parts.append(f"No more of these: {leave}")
    return "\n\n".join(filter(None, parts)) + "\n"


def html_body(action: ActionRequested, leave: str) -> str:
    """Return the HTML part with everything escaped; only http and https links can be clicked."""
    parts = [f"<h2>{escape(_clean(action.title))}</h2>"]
    parts += [
        f"<p>{_lines(paragraph)}</p>" for paragraph in _clean(action.body).split("\n\n") if paragraph.strip()
    ]
    if action.link:
        parts.append(f"<p>{_link(_clean(action.link))}</p>")
    choices = [
        f'<a href="{escape(link)}" style="display: inline-block; margin: 0 0.8em 0.5em 0">{escape(words)}</a>'
        for words, link in answer_choices(action)
    ]
    if choices:
        parts.append(f"<p>Your answer: {' '.join(choices)}</p>")
    if action.why:
        parts.append(_SMALL.format(text=f"Why you get this: {escape(_clean(action.why))}"))
    if leave:
        parts.append(_SMALL.format(text=f'<a href="{escape(leave)}">No more of these</a>'))
    return _PAGE.format(parts="".join(parts))


def _link(link: str) -> str:
    shown = escape(link)
    return f'<a href="{shown}">{shown}</a>' if link.lower().startswith(("https://", "http://")) else shown


def _lines(paragraph: str) -> str:
    return escape(paragraph.strip()).replace("\n", "<br>")


def _clean(text: str) -> str:
    """Return text without control characters, except line breaks, and with lines a mail can carry."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in unified if c == "\n" or c.isprintable()).strip()
