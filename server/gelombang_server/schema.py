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
    kind TEXT NOT NULL CHECK (kind IN ('email-link', 'otp', 'registry')),
    address TEXT NOT NULL,
    content TEXT NOT NULL,
    queued_us INTEGER NOT NULL,
    delivered INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (kind = 'otp', id) WHERE delivered IS NULL;
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
