"""The texts that come with the product, for every action and everybody who may get it: English and German.

A rule without a title and body of its own sends these, in the person's language. They say "I" of nobody, praise
nobody for nothing, and name what to do next in one sentence. They need no name: where one is used there are words
for when it is not known.
"""

from __future__ import annotations

Text = tuple[str, str]
"""(title, body)."""

ENGLISH: dict[tuple[str, str], Text] = {
    ("nudge", "employee"): (
        "Try it on one real case this week: {skill}",
        "Pick one case this week and decide beforehand what you will do differently. One is enough.",
    ),
    ("nudge", "manager"): (
        "A word at the right time: {skill}",
        (
            "{person|Somebody in your team} has learnt this and has not used it lately. Ask how the next case "
            "will go."
        ),
    ),
    ("spaced-review", "employee"): (
        "A few questions to keep it: {skill}",
        (
            "A short review brings most of it back for weeks. Answer from memory first, then read the "
            "explanation."
        ),
    ),
    ("spaced-review", "manager"): (
        "Ten minutes for a review: {skill}",
        (
            "{person|Somebody in your team} is about to forget this. Ten quiet minutes for a review would keep "
            "it."
        ),
    ),
    ("simulation", "employee"): (
        "Practise it where nothing can go wrong: {skill}",
        (
            "One run of the simulation shows what already works and what to try next. Failing there costs "
            "nothing."
        ),
    ),
    ("microlearning", "employee"): (
        "A short lesson: {skill}",
        "A few minutes on the part that is still open. Try it on a case of your own right afterwards.",
    ),
    ("job-aid", "employee"): (
        "Have this at hand: {skill}",
        "Open it before the next case and keep it beside you. Using it is no weakness.",
    ),
    ("fade-job-aid", "employee"): (
        "Next time, first without the job aid: {skill}",
        (
            "It works for you with the job aid open. Begin the next case from memory, and open it only to check "
            "yourself."
        ),
    ),
    ("fade-job-aid", "manager"): (
        "Ready to do without: {skill}",
        "{person|Somebody in your team} does this well with a job aid. Suggest one case from memory first.",
    ),
    ("coaching", "manager"): (
        "Fifteen minutes of coaching: {skill}",
        (
            "{person|Somebody in your team} uses this at work, and results fall short of the standard. Look at "
            "one case together: what went well, what was hard, and one thing to try next."
        ),
    ),
    ("coaching", "employee"): (
        "Ask for fifteen minutes of coaching: {skill}",
        (
            "Bring one recent case to somebody who knows it well: what went well, what was hard, what to try "
            "next."
        ),
    ),
    ("mentor-match", "employee"): (
        "Watch somebody who does this well: {skill}",
        (
            "Half an hour beside somebody who does this well says more than a page. Ask your team lead who "
            "that is, and watch one case or talk about one of yours."
        ),
    ),
    ("feedback-request", "manager"): (
        "How did it go? {skill}",
        (
            "You have seen {person|a member of your team} at work. One answer on a short page is enough; if you "
            "saw no chance to use it, say so."
        ),
    ),
    ("feedback-request", "report"): (
        "How does it feel from your side? {skill}",
        (
            "You work with {person|your manager}. One answer on a short page is enough; if you saw no chance to "
            "use it, say so."
        ),
    ),
    ("feedback-request", "peer"): (
        "What did you see? {skill}",
        (
            "You work beside {person|a colleague}. One answer on a short page is enough; if you saw no chance "
            "to use it, say so."
        ),
    ),
    ("opportunity-request", "manager"): (
        "A chance to use it: {skill}",
        (
            "{person|Somebody in your team} has learnt this, and their work offers no chance to use it. Is "
            "there a case or a task for them in the next two weeks?"
        ),
    ),
    ("action-plan", "employee"): (
        "One step, one date: {skill}",
        (
            "Write down one situation in which you will use it, what you will do there, and until when. Look "
            "back on that day: how did it go?"
        ),
    ),
    ("recognition", "employee"): (
        "You carry it through: {skill}",
        "Your work shows it, without help and to the standard. A badge is yours to keep or to show.",
    ),
    ("recognition", "manager"): (
        "Worth a word of thanks: {skill}",
        (
            "{person|Somebody in your team} does this at work to the standard and without help. Say what you "
            "have seen."
        ),
    ),
    ("needs-survey", "employee"): (
        "What would help you most?",
        "A few questions about what your work asks of you and where you would like help. Two minutes.",
    ),
    ("needs-survey", "manager"): (
        "What does your team need?",
        "A few questions about what the work asks of {person|a member of your team}. Two minutes.",
    ),
}
GERMAN: dict[tuple[str, str], Text] = {
    ("nudge", "employee"): (
        "Diese Woche an einem echten Fall: {skill}",
        "Nehmen Sie sich einen Fall vor und entscheiden Sie vorher, was Sie anders machen. Einer genügt.",
    ),
    ("nudge", "manager"): (
        "Ein Wort zur rechten Zeit: {skill}",
        (
            "{person|Jemand aus Ihrem Team} hat das gelernt und zuletzt nicht angewendet. Fragen Sie nach dem "
            "nächsten Fall."
        ),
    ),
    ("spaced-review", "employee"): (
        "Ein paar Fragen, damit es bleibt: {skill}",
        (
            "Eine kurze Wiederholung holt das meiste für Wochen zurück. Erst aus dem Kopf antworten, dann die "
            "Erklärung lesen."
        ),
    ),
    ("spaced-review", "manager"): (
        "Zehn Minuten für eine Wiederholung: {skill}",
        "{person|Jemand aus Ihrem Team} ist dabei, das zu vergessen. Zehn ruhige Minuten würden es halten.",
    ),
    ("simulation", "employee"): (
        "Üben, wo nichts schiefgehen kann: {skill}",
        (
            "Ein Durchgang der Simulation zeigt, was schon klappt und was als Nächstes dran ist. Scheitern "
            "kostet dort nichts."
        ),
    ),
    ("microlearning", "employee"): (
        "Eine kurze Lektion: {skill}",
        "Ein paar Minuten zu dem, was noch offen ist. Probieren Sie es gleich danach an einem eigenen Fall.",
    ),
    ("job-aid", "employee"): (
        "Das sollten Sie zur Hand haben: {skill}",
        (
            "Öffnen Sie die Hilfe vor dem nächsten Fall und lassen Sie sie daneben liegen. Das ist keine "
            "Schwäche."
        ),
    ),
    ("fade-job-aid", "employee"): (
        "Beim nächsten Mal zuerst ohne Hilfe: {skill}",
        (
            "Mit der Arbeitshilfe klappt es. Beginnen Sie den nächsten Fall aus dem Kopf und sehen Sie nur zur "
            "Kontrolle nach."
        ),
    ),
    ("fade-job-aid", "manager"): (
        "Bereit, ohne auszukommen: {skill}",
        (
            "{person|Jemand aus Ihrem Team} kann das gut mit Arbeitshilfe. Schlagen Sie einen Fall zuerst ohne "
            "sie vor."
        ),
    ),
    ("coaching", "manager"): (
        "Fünfzehn Minuten Coaching: {skill}",
        (
            "{person|Jemand aus Ihrem Team} wendet das an, und die Ergebnisse liegen unter dem Standard. Sehen "
            "Sie sich gemeinsam einen Fall an: was gut ging, was schwer war, was als Nächstes zu versuchen ist."
        ),
    ),
    ("coaching", "employee"): (
        "Bitten Sie um fünfzehn Minuten Coaching: {skill}",
        (
            "Bringen Sie einen Fall zu jemandem mit, der es gut kann: was gut ging, was schwer war, was zu "
            "versuchen ist."
        ),
    ),
    ("mentor-match", "employee"): (
        "Sehen Sie jemandem zu, der das gut kann: {skill}",
        (
            "Eine halbe Stunde neben jemandem, der das gut kann, sagt mehr als eine Seite Text. Fragen Sie "
            "Ihre Teamleitung, wer das ist, und sehen Sie bei einem Fall zu oder sprechen Sie über einen eigenen."
        ),
    ),
    ("feedback-request", "manager"): (
        "Wie ist es gelaufen? {skill}",
        (
            "Sie haben {person|jemanden aus Ihrem Team} bei der Arbeit gesehen. Eine Antwort auf einer kurzen "
            "Seite genügt; wenn es keine Gelegenheit gab, sagen Sie das."
        ),
    ),
    ("feedback-request", "report"): (
        "Wie ist es von Ihrer Seite? {skill}",
        (
            "Sie arbeiten mit {person|Ihrer Führungskraft}. Eine Antwort auf einer kurzen Seite genügt; wenn es "
            "keine Gelegenheit gab, sagen Sie das."
        ),
    ),
    ("feedback-request", "peer"): (
        "Was haben Sie gesehen? {skill}",
        (
            "Sie arbeiten neben {person|jemandem aus Ihrem Team}. Eine Antwort auf einer kurzen Seite genügt; "
            "wenn es keine Gelegenheit gab, sagen Sie das."
        ),
    ),
    ("opportunity-request", "manager"): (
        "Eine Gelegenheit dafür: {skill}",
        (
            "{person|Jemand aus Ihrem Team} hat das gelernt, und die Arbeit bietet keine Gelegenheit. Gibt es "
            "in den nächsten zwei Wochen einen Fall oder eine Aufgabe dafür?"
        ),
    ),
    ("action-plan", "employee"): (
        "Ein Schritt, ein Termin: {skill}",
        (
            "Schreiben Sie auf, in welcher Lage Sie es anwenden, was Sie dort tun und bis wann. Sehen Sie an dem "
            "Tag nach, wie es war."
        ),
    ),
    ("recognition", "employee"): (
        "Es ist im Alltag angekommen: {skill}",
        (
            "Ihre Arbeit zeigt es, ohne Hilfe und nach dem Standard. Der Badge gehört Ihnen: behalten oder "
            "zeigen Sie ihn."
        ),
    ),
    ("recognition", "manager"): (
        "Einen Dank wert: {skill}",
        (
            "{person|Jemand aus Ihrem Team} macht das nach dem Standard und ohne Hilfe. Sagen Sie, was Sie "
            "gesehen haben."
        ),
    ),
    ("needs-survey", "employee"): (
        "Was würde Ihnen am meisten helfen?",
        "Ein paar Fragen dazu, was die Arbeit verlangt und wo Sie Hilfe möchten. Zwei Minuten.",
    ),
    ("needs-survey", "manager"): (
        "Was braucht Ihr Team?",
        "Ein paar Fragen dazu, was die Arbeit von {person|jemandem aus Ihrem Team} verlangt. Zwei Minuten.",
    ),
}
SHIPPED: dict[str, dict[tuple[str, str], Text]] = {"en": ENGLISH, "de": GERMAN}
"""Language → (action, audience) → text."""
FALLBACK_LANGUAGE = "en"
