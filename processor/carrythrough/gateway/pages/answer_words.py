"""The words of the pages that people reach from a message, by language; a language without words reads English."""

from __future__ import annotations

from typing import Any

Words = dict[str, Any]

_EN: Words = {
    "lang": "en",
    "title": "Your answer",
    "about": "About",
    "question": "What became of it?",
    "answers": {
        "done": ("Done", "You did what was asked."),
        "applied": ("I applied it", "You used the skill at work."),
        "not-now": ("Not now", "Nothing more about this skill for a while."),
        "not-relevant": ("Not relevant", "No more messages of this kind to you."),
        "disagree": ("I disagree with this score", "A person looks at it and answers you."),
    },
    "went": "How did it go?",
    "scale": ("Not at all well", "Not so well", "So-so", "Well", "Very well"),
    "days": "For how long?",
    "day_choices": {3: "3 days", 7: "1 week", 14: "2 weeks", 30: "30 days"},
    "text": "Anything to add?",
    "optional": "optional",
    "send": "Send",
    "note": "What you say here is your word: it never counts as a result, and never for pay or discipline.",
    "choose": "Choose one of the answers.",
    "thanks": "Thank you",
    "stored": "Your answer about “{skill}” is stored.",
    "again": "This was answered before",
    "again_text": "The first answer counts; this one changed nothing.",
    "close": "You can close this page.",
    "stop": "No more of these?",
    "stop_question": "You will get no more messages of this kind by “{topic}”.",
    "stop_button": "No more of these",
    "stopped": "Done: no more of these",
    "stopped_text": "Messages by “{topic}” end now. One that is on its way may still arrive.",
    "review": "Review",
    "review_of": "Question {number} of {count}",
    "check": "Check",
    "next": "Next question",
    "finish": "Finish",
    "right": "That is right.",
    "wrong": "That is not right.",
    "right_answer": "Right answer",
    "your_answer": "Your answer",
    "finished": "That was all for now",
    "finished_text": "You answered {count} of {count}; {right} were right. The next ones come when they are due.",
    "nothing_due": "Nothing is due",
    "nothing_due_text": "All questions of this review are answered for now.",
    "several": "Choose all that are right.",
    "one": "Choose one.",
}
_DE: Words = {
    "lang": "de",
    "title": "Ihre Antwort",
    "about": "Thema",
    "question": "Was ist daraus geworden?",
    "answers": {
        "done": ("Erledigt", "Sie haben getan, worum es ging."),
        "applied": ("Ich habe es angewendet", "Sie haben es bei der Arbeit genutzt."),
        "not-now": ("Nicht jetzt", "Eine Zeit lang nichts mehr zu diesem Thema."),
        "not-relevant": ("Betrifft mich nicht", "Keine Nachrichten dieser Art mehr an Sie."),
        "disagree": ("Ich widerspreche dieser Einschätzung", "Ein Mensch sieht sie an und antwortet Ihnen."),
    },
    "went": "Wie lief es?",
    "scale": ("Gar nicht gut", "Nicht so gut", "Mittel", "Gut", "Sehr gut"),
    "days": "Wie lange?",
    "day_choices": {3: "3 Tage", 7: "1 Woche", 14: "2 Wochen", 30: "30 Tage"},
    "text": "Möchten Sie etwas hinzufügen?",
    "optional": "freiwillig",
    "send": "Absenden",
    "note": "Was Sie hier sagen, ist Ihr Wort: Es zählt nie als Ergebnis und nie für Bezahlung oder Maßnahmen.",
    "choose": "Wählen Sie eine der Antworten.",
    "thanks": "Danke",
    "stored": "Ihre Antwort zu „{skill}“ ist gespeichert.",
    "again": "Das wurde schon beantwortet",
    "again_text": "Die erste Antwort zählt; diese hat nichts geändert.",
    "close": "Sie können diese Seite schließen.",
    "stop": "Keine weiteren Nachrichten?",
    "stop_question": "Sie bekommen keine Nachrichten dieser Art mehr über „{topic}“.",
    "stop_button": "Keine weiteren Nachrichten",
    "stopped": "Erledigt: keine weiteren Nachrichten",
    "stopped_text": "Nachrichten über „{topic}“ enden jetzt. Eine, die schon unterwegs ist, kann noch ankommen.",
    "review": "Wiederholung",
    "review_of": "Frage {number} von {count}",
    "check": "Prüfen",
    "next": "Nächste Frage",
    "finish": "Abschließen",
    "right": "Das ist richtig.",
    "wrong": "Das ist nicht richtig.",
    "right_answer": "Richtige Antwort",
    "your_answer": "Ihre Antwort",
    "finished": "Das war es für jetzt",
    "finished_text": "Sie haben {count} von {count} beantwortet; {right} waren richtig. "
    "Die nächsten kommen, wenn sie fällig sind.",
    "nothing_due": "Nichts ist fällig",
    "nothing_due_text": "Alle Fragen dieser Wiederholung sind fürs Erste beantwortet.",
    "several": "Wählen Sie alles Richtige.",
    "one": "Wählen Sie eine Antwort.",
}
LANGUAGES: dict[str, Words] = {"en": _EN, "de": _DE}


def words_for(locale: str) -> Words:
    """Return the words for a language tag (RFC 5646): those of its language, else English."""
    return LANGUAGES.get(locale.partition("-")[0].lower(), _EN)
