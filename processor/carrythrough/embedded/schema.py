"""The tables of `state.sqlite`: everything that is derived from the log, in one file.

One transaction writes state, ledger, position and outbox together, so none of
them can be ahead of another.
"""

from __future__ import annotations

from carrythrough.embedded.database import Insert

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS term(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS employee(
  id INTEGER PRIMARY KEY, subject TEXT NOT NULL UNIQUE, due_ms INTEGER NOT NULL, header BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS employee_due ON employee(due_ms) WHERE due_ms > 0;
CREATE TABLE IF NOT EXISTS pair(
  employee INTEGER NOT NULL, skill INTEGER NOT NULL, stage INTEGER NOT NULL, score INTEGER NOT NULL,
  state BLOB NOT NULL, PRIMARY KEY(employee, skill)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger(
  employee INTEGER NOT NULL, skill INTEGER NOT NULL, channel INTEGER NOT NULL, source BLOB NOT NULL,
  t_ms INTEGER NOT NULL, y INTEGER NOT NULL, w INTEGER NOT NULL, p_item INTEGER NOT NULL, flags INTEGER NOT NULL,
  window_s INTEGER NOT NULL, item INTEGER NOT NULL, rule INTEGER NOT NULL, map_version INTEGER NOT NULL,
  position INTEGER NOT NULL, voided INTEGER NOT NULL,
  PRIMARY KEY(employee, skill, channel, source)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ledger_outcome ON ledger(position) WHERE channel IN (2, 3) AND w > 0;
CREATE INDEX IF NOT EXISTS ledger_answer ON ledger(position) WHERE channel IN (0, 1, 4);
CREATE TABLE IF NOT EXISTS void(source BLOB PRIMARY KEY, position INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS amendment(
  source BLOB PRIMARY KEY, target BLOB NOT NULL, revision INTEGER NOT NULL, t_ms INTEGER NOT NULL,
  position INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS amendment_target ON amendment(target);
CREATE TABLE IF NOT EXISTS waiting(
  source BLOB PRIMARY KEY, name TEXT NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS waiting_name ON waiting(name);
CREATE TABLE IF NOT EXISTS team_reading(
  source BLOB PRIMARY KEY, team TEXT NOT NULL, kpi TEXT NOT NULL, t_ms INTEGER NOT NULL, value REAL NOT NULL,
  position INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS team_reading_time ON team_reading(team, kpi, t_ms);
CREATE TABLE IF NOT EXISTS ended(source BLOB PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stranger(
  subject TEXT PRIMARY KEY, kind TEXT NOT NULL, host TEXT NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kin(token TEXT NOT NULL, subject TEXT NOT NULL, PRIMARY KEY(token, subject)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS kin_subject ON kin(subject);
CREATE TABLE IF NOT EXISTS vanished(subject TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS move(
  position INTEGER NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY(position, source, target))
  WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS move_source ON move(source, position);
CREATE INDEX IF NOT EXISTS move_target ON move(target, position);
CREATE TABLE IF NOT EXISTS survey(
  position INTEGER PRIMARY KEY, subject TEXT NOT NULL, source BLOB NOT NULL, manager INTEGER NOT NULL,
  t_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS survey_subject ON survey(subject);
CREATE TABLE IF NOT EXISTS survey_kin(
  token TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY(token, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS need(
  position INTEGER NOT NULL, skill INTEGER NOT NULL, importance INTEGER NOT NULL, confidence INTEGER NOT NULL,
  expectation INTEGER NOT NULL, PRIMARY KEY(position, skill)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reply(
  source BLOB PRIMARY KEY, subject TEXT NOT NULL, about TEXT NOT NULL, skill TEXT NOT NULL, action TEXT NOT NULL,
  answer TEXT NOT NULL, rule TEXT NOT NULL, topic TEXT NOT NULL, days INTEGER NOT NULL, went REAL NOT NULL,
  t_ms INTEGER NOT NULL, position INTEGER NOT NULL, stored_ms INTEGER NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settled(
  request BLOB PRIMARY KEY, position INTEGER NOT NULL, asked TEXT NOT NULL, reason TEXT NOT NULL,
  stored_ms INTEGER NOT NULL, pieces INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS reply_subject ON reply(subject);
CREATE INDEX IF NOT EXISTS reply_disagree ON reply(position) WHERE answer = 'disagree';
CREATE TABLE IF NOT EXISTS contest(
  source BLOB NOT NULL, skill TEXT NOT NULL, channel INTEGER NOT NULL, position INTEGER NOT NULL,
  restore INTEGER NOT NULL, asked TEXT NOT NULL, reason TEXT NOT NULL, stored_ms INTEGER NOT NULL,
  subject TEXT NOT NULL,
  PRIMARY KEY(source, skill, channel, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mark(
  employee INTEGER NOT NULL, registration BLOB NOT NULL, activity INTEGER NOT NULL, source BLOB NOT NULL,
  verb INTEGER NOT NULL, t_ms INTEGER NOT NULL, session TEXT NOT NULL, scaled REAL, mastery REAL,
  move_on INTEGER NOT NULL, flags INTEGER NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY(employee, registration, activity, source)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mark_source ON mark(source);
CREATE INDEX IF NOT EXISTS mark_registration ON mark(registration);
CREATE TABLE IF NOT EXISTS effect(
  seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, skill TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS decision(
  seq INTEGER PRIMARY KEY, subject TEXT NOT NULL, skill TEXT NOT NULL, as_of_ms INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS rule_load(rule TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS referral(id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passage(
  subject TEXT NOT NULL, skill TEXT NOT NULL, sequence INTEGER NOT NULL, as_of_ms INTEGER NOT NULL, after TEXT NOT NULL,
  PRIMARY KEY(subject, skill, sequence)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox(
  entry INTEGER PRIMARY KEY AUTOINCREMENT, adapter TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
  body BLOB NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL, due_ms INTEGER NOT NULL,
  receipt TEXT NOT NULL, error TEXT NOT NULL, created_ms INTEGER NOT NULL, closed_ms INTEGER NOT NULL,
  UNIQUE(action, adapter));
CREATE INDEX IF NOT EXISTS outbox_due ON outbox(due_ms) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS outbox_lane ON outbox(adapter, due_ms) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS outbox_subject ON outbox(subject, entry);
CREATE TABLE IF NOT EXISTS quarantine(
  position INTEGER PRIMARY KEY, kind INTEGER NOT NULL, stored_ms INTEGER NOT NULL, credential TEXT NOT NULL,
  code TEXT NOT NULL, detail TEXT NOT NULL);
"""

EMPLOYEE = Insert(
    "INSERT INTO employee(id, subject, due_ms, header)",
    4,
    "ON CONFLICT(id) DO UPDATE SET due_ms=excluded.due_ms, header=excluded.header",
)
PAIR = Insert(
    "INSERT INTO pair(employee, skill, stage, score, state)",
    5,
    "ON CONFLICT(employee, skill) DO UPDATE SET stage=excluded.stage, score=excluded.score, state=excluded.state",
)
LEDGER = Insert("INSERT INTO ledger", 15)
EFFECT = Insert("INSERT INTO effect", 5)
DECISION = Insert("INSERT OR IGNORE INTO decision", 5)
PASSAGE = Insert("INSERT OR IGNORE INTO passage", 5)
OUTBOX = Insert(
    "INSERT INTO outbox(adapter, action, subject, body, status, attempts, due_ms, receipt, error, created_ms,"
    " closed_ms)",
    11,
    "ON CONFLICT(action, adapter) DO NOTHING",
)
QUARANTINE = Insert("INSERT OR REPLACE INTO quarantine", 6)
RULE_LOAD = Insert("INSERT OR REPLACE INTO rule_load", 2)
REFERRAL = Insert("INSERT OR IGNORE INTO referral", 2)
TERM = Insert("INSERT INTO term", 2)
VOID = Insert("INSERT OR IGNORE INTO void", 2)
STRANGER = Insert("INSERT OR REPLACE INTO stranger", 4)
KIN = Insert("INSERT OR IGNORE INTO kin", 2)
MOVE = Insert("INSERT OR IGNORE INTO move", 3)
AMENDMENT = Insert("INSERT OR IGNORE INTO amendment", 5)
ENDED = Insert("INSERT OR IGNORE INTO ended", 2)
SURVEY = Insert("INSERT OR IGNORE INTO survey", 5)
SURVEY_KIN = Insert("INSERT OR IGNORE INTO survey_kin", 2)
NEED = Insert("INSERT OR IGNORE INTO need", 5)
REPLY = Insert("INSERT OR IGNORE INTO reply", 14)
SETTLED = Insert("INSERT OR IGNORE INTO settled", 6)
MARK = Insert("INSERT OR IGNORE INTO mark", 12)
CONTEST = Insert("INSERT OR IGNORE INTO contest", 9)
META = Insert("INSERT INTO meta", 2, "ON CONFLICT(name) DO UPDATE SET value=excluded.value")
