"""The tables of the site: one SQLite file that all processes share.

Times are int64 microseconds relative to the run's zero. Uniqueness of e-mail, NIK and phone is the database's, not the code's. Queue
tables count up for ever (AUTOINCREMENT), so that id order is commit order: writers are serialised by BEGIN IMMEDIATE.
"""

import sqlite3
from pathlib import Path

DATABASE_FILE = "gelombang.sqlite3"

TABLES = """
CREATE TABLE IF NOT EXISTS applicants (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    password_tries INTEGER NOT NULL DEFAULT 0,
    locked_until_us INTEGER NOT NULL DEFAULT 0,
    known_password_tries INTEGER NOT NULL DEFAULT 0,
    known_locked_until_us INTEGER NOT NULL DEFAULT 0,
    created_us INTEGER NOT NULL,
    email_verified_us INTEGER,
    nik TEXT UNIQUE,
    kk TEXT,
    birth_date TEXT,
    address TEXT,
    nik_state TEXT CHECK (nik_state IN ('being_checked', 'verified', 'unknown')),
    phone TEXT UNIQUE,
    phone_verified_us INTEGER
) STRICT;

CREATE TABLE IF NOT EXISTS email_links (
    token_hash BLOB PRIMARY KEY,
    applicant INTEGER NOT NULL REFERENCES applicants (id),
    expires_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS otps (
    applicant INTEGER PRIMARY KEY REFERENCES applicants (id),
    phone TEXT NOT NULL,
    code TEXT NOT NULL,
    expires_us INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    sends INTEGER NOT NULL,
    sent_us INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS registry_queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    applicant INTEGER NOT NULL REFERENCES applicants (id),
    nik TEXT NOT NULL,
    queued_us INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('email-link', 'otp', 'registry', 'wave-result')),
    address TEXT NOT NULL,
    content TEXT NOT NULL,
    queued_us INTEGER NOT NULL,
    delivered INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (kind IN ('otp', 'wave-result'), id) WHERE delivered IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS outbox_delivered ON outbox (delivered) WHERE delivered IS NOT NULL;

CREATE TABLE IF NOT EXISTS photos (
    id TEXT PRIMARY KEY,
    person INTEGER NOT NULL,
    step INTEGER NOT NULL,
    number INTEGER NOT NULL,
    applicant INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('ktp', 'selfie')),
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    path TEXT NOT NULL,
    committed_us INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS photos_applicant ON photos (applicant, kind);

-- A photo without a row here is received and not looked at yet; `validated`, or the code for which it was rejected.
CREATE TABLE IF NOT EXISTS photo_checks (
    photo TEXT PRIMARY KEY REFERENCES photos (id),
    verdict TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS tus_uploads (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    applicant INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('ktp', 'selfie')),
    bytes INTEGER NOT NULL,
    sha256 TEXT,
    metadata TEXT NOT NULL,
    photo TEXT NOT NULL UNIQUE,
    expires_us INTEGER NOT NULL,
    stored INTEGER NOT NULL DEFAULT 0,
    UNIQUE (applicant, kind)
) STRICT;
CREATE INDEX IF NOT EXISTS tus_uploads_expires ON tus_uploads (expires_us);
CREATE INDEX IF NOT EXISTS tus_uploads_begun ON tus_uploads (bytes) WHERE stored = 0;

CREATE TABLE IF NOT EXISTS tests (
    applicant INTEGER PRIMARY KEY REFERENCES applicants (id),
    began_us INTEGER NOT NULL,
    handed_in_us INTEGER,
    answers BLOB
) STRICT;

-- Where answers are saved one by one; `tests.answers` has them when they were handed in.
CREATE TABLE IF NOT EXISTS test_answers (
    applicant INTEGER NOT NULL REFERENCES applicants (id),
    question INTEGER NOT NULL,
    answer INTEGER NOT NULL,
    saved_us INTEGER NOT NULL,
    PRIMARY KEY (applicant, question)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS idempotency_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    body BLOB NOT NULL,
    result INTEGER NOT NULL,
    at_us INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS joins (
    applicant INTEGER PRIMARY KEY REFERENCES applicants (id),
    wave TEXT NOT NULL,
    joined_us INTEGER NOT NULL
) STRICT;

-- Photos of people who were there before the run: in no store of its, which is why they are no rows of `photos`. States are written as
-- `gelombang_server.applicants.photo_states` reads them.
CREATE TABLE IF NOT EXISTS photos_elsewhere (
    applicant INTEGER PRIMARY KEY REFERENCES applicants (id),
    states TEXT NOT NULL
) STRICT;

-- The programme. `joins` has everybody's latest wave; who was ever in which stays here, because a draw is held over it.
CREATE TABLE IF NOT EXISTS memberships (
    wave TEXT NOT NULL,
    applicant INTEGER NOT NULL REFERENCES applicants (id),
    joined_us INTEGER NOT NULL,
    PRIMARY KEY (wave, applicant)
) STRICT, WITHOUT ROWID;

-- Where the run's first moment is on the site's clock: one row at most.
CREATE TABLE IF NOT EXISTS programme_zero (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    zero_us INTEGER NOT NULL
) STRICT;

-- The fingerprint of the key that identity numbers are sealed with: one row at most.
CREATE TABLE IF NOT EXISTS data_key (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    fingerprint TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS draws (
    wave TEXT PRIMARY KEY,
    seed INTEGER NOT NULL,
    joined INTEGER NOT NULL,
    list_sha256 TEXT NOT NULL,
    quota INTEGER NOT NULL,
    drawn_us INTEGER NOT NULL,
    published_us INTEGER NOT NULL,
    told INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE IF NOT EXISTS selections (
    applicant INTEGER PRIMARY KEY REFERENCES applicants (id),
    wave TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS selections_wave ON selections (wave, applicant);

CREATE TABLE IF NOT EXISTS wallets (
    applicant INTEGER PRIMARY KEY REFERENCES applicants (id),
    partner TEXT NOT NULL,
    account TEXT NOT NULL,
    chosen_us INTEGER NOT NULL
) STRICT;

-- Rupiah from one account to another; a NIK's entries, in this order, are its benefits.
CREATE TABLE IF NOT EXISTS benefit_entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    nik TEXT NOT NULL,
    applicant INTEGER NOT NULL REFERENCES applicants (id),
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    rupiah INTEGER NOT NULL CHECK (rupiah > 0),
    at_us INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS benefit_entries_nik ON benefit_entries (nik, id);

CREATE TABLE IF NOT EXISTS payments (
    key TEXT PRIMARY KEY,
    applicant INTEGER NOT NULL REFERENCES applicants (id),
    nik TEXT NOT NULL,
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    partner TEXT NOT NULL,
    account TEXT NOT NULL,
    rupiah INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('due', 'sending', 'unsure', 'paid', 'returned')),
    tries INTEGER NOT NULL DEFAULT 0,
    not_before_us INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS payments_open ON payments (partner, not_before_us) WHERE state IN ('due', 'unsure');
CREATE INDEX IF NOT EXISTS payments_applicant ON payments (applicant);
"""


def create_tables(path: Path) -> None:
    """Make the file (in WAL mode) and its tables; tables that are there stay as they are."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(TABLES)
        connection.commit()
    finally:
        connection.close()
