"""Which column of a roster table is which field: our names, the names that HR systems use, a mapping.

A name is compared in lower case with everything but letters and digits as "_", so "E-Mail Address"
is `e_mail_address`. What no rule knows is an error when it looks like a slip of the pen, and is
otherwise left out with a warning: an export has columns that are nobody's business here.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, Protocol

import msgspec

from carrythrough.authoring.reading import did_you_mean, listing
from carrythrough.authoring.source import Lint

DateOrder = Literal["day-first", "month-first"]

_SYNONYMS = {
    "id": "employee_id employeeid employee_no employee_number worker_id person_id "
    "personnel_number personnel_no staff_id staff_number pernr personalnummer mitarbeiternummer matricule",
    "name": "full_name fullname display_name displayname employee_name person_name formatted_name",
    "given_name": "first_name firstname forename givenname vorname prenom",
    "family_name": "last_name lastname surname familyname nachname nom",
    "email": "e_mail mail email_address e_mail_address work_email business_email workemail mail_address emailadresse",
    "mbox": "",
    "mbox_sha1sum": "mbox_sha1 sha1",
    "openid": "open_id",
    "account_home_page": "homepage home_page account_homepage",
    "account_name": "lms_user lms_username",
    "aliases": "alias other_ids former_ids former_id previous_id old_id",
    "former_emails": "former_email old_email previous_email old_emails",
    "manager": "manager_id supervisor supervisor_id reports_to line_manager line_manager_id vorgesetzter",
    "team": "department team_name org_unit organizational_unit organisational_unit abteilung dept",
    "role": "job_title jobtitle title position job job_role funktion",
    "site": "location office work_location site_name standort branch",
    "cohorts": "cohort wave program_cohort",
    "time_zone": "timezone tz zone zeitzone",
    "work_hours": "working_hours arbeitszeit",
    "days_off": "day_off off_days weekend",
    "locale": "language preferred_language lang sprache",
    "opted_out": "opt_out optout",
    "hire_date": "hired start_date date_of_hire hired_on entry_date original_hire_date eintritt eintrittsdatum",
    "exit_date": "exit end_date termination_date last_day last_working_day date_of_exit leaving_date austritt "
    "austrittsdatum",
    "leave": "leaves absences absence leave_of_absence",
    "active": "status employment_status is_active employee_status",
    "hours_mon": "monday",
    "hours_tue": "tuesday",
    "hours_wed": "wednesday",
    "hours_thu": "thursday",
    "hours_fri": "friday",
    "hours_sat": "saturday",
    "hours_sun": "sunday",
}
COLUMNS = tuple(_SYNONYMS)
"""Our names of columns."""
_KNOWN = {name: name for name in COLUMNS} | {
    other: name for name, words in _SYNONYMS.items() for other in words.split()
}


ERROR_CODES = {
    "unknown-column": "a column that looks like a slip of the pen, is given twice, or that a mapping names in vain",
    "unused-column": "a column that nothing reads, or for which another column is read",
}
"""Codes of `columns_of`."""


class _Fault(Protocol):
    """The function that notes a finding about the column at `place`."""

    def __call__(
        self, place: int, code: str, message: str, rule: str, fix: str, *, warning: bool = False
    ) -> None:
        """Note one finding."""
        ...


class ColumnMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the columns of one export become ours.

    columns: our name to the name in the file. constants: our name to one value for all rows. dates:
    how 03/04/2026 is meant. Columns that neither names are left out.
    """

    columns: dict[str, str] = {}
    constants: dict[str, str] = {}
    dates: DateOrder | None = None


def plain_name(given: str) -> str:
    """Return a column name without what differs between spellings of it."""
    bare = unicodedata.normalize("NFKD", given.strip().lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", bare).strip("_")


def columns_of(
    header: list[str], line: int, filename: str, mapping: ColumnMapping | None
) -> tuple[dict[int, str], list[Lint]]:
    """Return (our name of each column that is used, by its place from 0; every finding).

    A finding with severity "error" means that the table cannot be read.
    """
    lints: list[Lint] = []

    def fault(place: int, code: str, message: str, rule: str, fix: str, *, warning: bool = False) -> None:
        lints.append(
            Lint(
                code=code,
                file=filename,
                line=line,
                column=place + 1,
                message=message,
                rule=rule,
                fix=fix,
                severity="warning" if warning else "error",
            )
        )

    wanted = _wanted(header, mapping, fault)
    used: dict[int, str] = {}
    by_name: dict[str, int] = {}
    # Our own names first: an export may have both "id" and a synonym of it.
    exact = [place for place, given in enumerate(header) if plain_name(given) in COLUMNS]
    order = [*wanted, *(p for p in exact if p not in wanted), *range(len(header))]
    for place in dict.fromkeys(order):
        given = header[place]
        name = wanted.get(place) or _KNOWN.get(plain_name(given), "")
        if not name:
            if mapping is None and given.strip():
                _unknown(place, given, fault)
            continue
        if name not in by_name:
            by_name[name] = place
            used[place] = name
        elif mapping is None and (given.strip().lower() == name or place in exact):
            message = f'the column "{given.strip()[:60]}" is given twice'
            fault(place, "unknown-column", message, "each column once", "remove one of the two")
        elif mapping is None:
            other = header[by_name[name]].strip()[:60]
            message = f'the column "{given.strip()[:60]}" is left out: "{other}" is read as {name}'
            fix = f'name the one that counts with --columns: {{"columns": {{"{name}": "{other}"}}}}'
            fault(place, "unused-column", message, "one column for each field", fix, warning=True)
    if "id" not in by_name and not (mapping and "id" in mapping.constants):
        message = f'the first line has no column "id" among: {listing([h.strip()[:40] for h in header], 8)}'
        fix = "begin the file with a line of column names; name the column of the ids id, or use --columns"
        fault(0, "missing-field", message, "each person has an id", fix)
    return dict(sorted(used.items())), lints


def _wanted(header: list[str], mapping: ColumnMapping | None, fault: _Fault) -> dict[int, str]:
    """Return what a mapping says about the columns of this file, by place."""
    if mapping is None:
        return {}
    for name in (*mapping.columns, *mapping.constants):
        if name not in COLUMNS:
            rule = f"columns are: {listing(COLUMNS, 40)}"
            message = f'the mapping names "{name[:60]}", which is not a column here'
            fault(0, "unknown-column", message, rule, did_you_mean(name, COLUMNS) or "remove it")
    places = {given.strip(): place for place, given in enumerate(header)}
    wanted: dict[int, str] = {}
    for name, given in mapping.columns.items():
        if given in places:
            wanted[places[given]] = name
            continue
        message = f'the mapping takes "{name}" from the column "{given[:60]}", which the file does not have'
        rule = f"columns of this file: {listing(places, 40)}"
        fault(0, "unknown-column", message, rule, did_you_mean(given, places) or "correct the mapping")
    return wanted


def _unknown(place: int, given: str, fault: _Fault) -> None:
    near = did_you_mean(plain_name(given), COLUMNS)
    if near:
        message = f'unknown column "{given.strip()[:60]}"'
        fault(place, "unknown-column", message, f"columns are: {listing(COLUMNS, 40)}", near)
    else:
        message = f'the column "{given.strip()[:60]}" is left out: it is none of ours'
        fix = "nothing, or name what it means with --columns"
        fault(place, "unused-column", message, f"columns are: {listing(COLUMNS, 40)}", fix, warning=True)
