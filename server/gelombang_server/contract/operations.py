"""What each route takes and answers."""

from collections.abc import Mapping
from types import MappingProxyType

from gelombang.attempt import Code
from gelombang.programme.wave import Shown
from gelombang_server.accounts import LogIn, NewAccount
from gelombang_server.contract.operation import (
    KEEPING,
    NUMBER,
    TEXT,
    TEXTS_BY_NAME,
    WALK,
    WHOLE,
    YES_OR_NO,
    Operation,
    known,
    nullable,
)
from gelombang_server.data import PersonalData
from gelombang_server.deadline import DEADLINE_HEADER
from gelombang_server.otp import OneTimeCode, Phone
from gelombang_server.programme.benefiting import Purchase, WalletChoice
from gelombang_server.routes import Route
from gelombang_server.saved_answers import Choice, SittingState
from gelombang_server.test import Answers
from gelombang_server.ticketed import TicketWish
from gelombang_server.wave import Consent

TUS_CODES = (Code.PROTOCOL_VERSION_UNKNOWN, Code.UPLOAD_UNKNOWN, Code.UPLOAD_EXPIRED, Code.TICKET_INVALID, Code.UPLOAD_IN_USE)

_NO_JOINING = (Code.WAVE_NOT_OPEN, Code.WAVE_CLOSED, Code.MEMBER_ALREADY, Code.SELECTED_ALREADY, Code.BENEFIT_ONCE)

_PHOTO = known(photo=TEXT, sha256=TEXT, bytes=WHOLE)
_STATE = known(state=TEXT)
_PHOTO_STATES = {"type": "object", "additionalProperties": {"enum": ["received", "validated", "rejected"]}}

OPERATIONS: Mapping[Route, Operation] = MappingProxyType(
    {
        Route.HEALTH: Operation("The process lives.", {200: known(status=TEXT, profile=TEXT)}, needs_session=False),
        Route.READY: Operation("The process should be sent people.", {200: known(status=TEXT, profile=TEXT)}, needs_session=False),
        Route.OPENAPI: Operation("This document.", {200: {"type": "object"}}, needs_session=False),
        Route.ACCOUNT: Operation(
            "Sign up; again with the same address is 409, so a lost answer without a key costs a log-in.",
            {201: known(session=TEXT, expires_in_seconds=NUMBER)},
            (Code.EMAIL_TAKEN, Code.HASH_QUEUE_FULL, Code.MESSAGE_QUEUE_FULL),
            NewAccount,
            needs_session=False,
            writes=True,
            takes_key=True,
        ),
        Route.LOGIN: Operation(
            "Log in; an earlier session of the account, if one is sent, keeps guesses of others from locking it.",
            {200: known(session=TEXT, expires_in_seconds=NUMBER)},
            (Code.CREDENTIALS_WRONG, Code.TRIES_EXHAUSTED, Code.HASH_QUEUE_FULL),
            LogIn,
            needs_session=False,
            writes=True,
        ),
        Route.EMAIL_LINK: Operation(
            "Follow the link of the mail; again changes nothing.",
            {200: _STATE},
            (Code.LINK_INVALID, Code.LINK_EXPIRED),
            needs_session=False,
            writes=True,
        ),
        Route.DATA: Operation(
            "Hand in personal data; the same again changes nothing.",
            {202: _STATE},
            (
                Code.NIK_INVALID,
                Code.BIRTH_DATE_MISMATCH,
                Code.NIK_TAKEN,
                Code.ALREADY_DONE,
                Code.STEP_NOT_OPEN,
                Code.REGISTRY_QUEUE_FULL,
            ),
            PersonalData,
            writes=True,
        ),
        Route.OTP_SEND: Operation(
            "Ask for a code by SMS; a newer code replaces the older one.",
            {202: known(expires_in_seconds=NUMBER)},
            (Code.PHONE_TAKEN, Code.ALREADY_DONE, Code.STEP_NOT_OPEN, Code.TRIES_EXHAUSTED, Code.MESSAGE_QUEUE_FULL),
            Phone,
            writes=True,
            takes_key=True,
        ),
        Route.OTP: Operation(
            "Confirm the phone; again after it was right changes nothing.",
            {200: _STATE},
            (Code.OTP_WRONG, Code.OTP_EXPIRED, Code.TRIES_EXHAUSTED, Code.STEP_NOT_OPEN, Code.PHONE_TAKEN),
            OneTimeCode,
            writes=True,
        ),
        Route.UPLOAD_PAGE: Operation(
            "How a photo is sent here, and which ones are still to be sent.",
            {
                200: known(
                    protocol=TEXT,
                    url=TEXT,
                    tus_url=nullable(TEXT),
                    shows_progress=YES_OR_NO,
                    photo_limit_bytes=WHOLE,
                    stored={"type": "array", "items": TEXT},
                    send_again=TEXTS_BY_NAME,
                )
            },
        ),
        Route.TEST_START: Operation(
            "Begin the test.",
            {201: known(questions=WHOLE, seconds=NUMBER)},
            (Code.ALREADY_DONE, Code.STEP_NOT_OPEN),
            writes=True,
            takes_key=True,
        ),
        Route.TEST: Operation(
            "Hand in the test; again changes nothing.",
            {200: _STATE},
            (Code.STEP_NOT_OPEN, Code.TEST_TIME_OVER),
            Answers,
            writes=True,
        ),
        Route.TEST_LOOK: Operation(
            "How far the person is with the test, and which question is next; null when all are answered.",
            {
                200: known(
                    state={"enum": [state.value for state in SittingState]},
                    questions=WHOLE,
                    saved=WHOLE,
                    complete=YES_OR_NO,
                    next=nullable(WHOLE),
                    left_seconds=NUMBER,
                )
            },
        ),
        Route.TEST_ANSWER: Operation(
            "Save one answer; the same again changes nothing, another one replaces it.",
            {200: known(question=WHOLE, answer=WHOLE)},
            (Code.STEP_NOT_OPEN, Code.ALREADY_DONE, Code.TEST_TIME_OVER),
            Choice,
            writes=True,
        ),
        Route.TEST_HANDED_IN: Operation(
            "Hand in what was saved, once; when the time is over it counts without that.",
            {200: known(state=TEXT, saved=WHOLE)},
            (Code.STEP_NOT_OPEN, Code.ALREADY_DONE, Code.TEST_TIME_OVER),
            writes=True,
            takes_key=True,
        ),
        Route.JOIN: Operation(
            "Join a wave; with a programme, again once its result is out.",
            {201: _STATE},
            (Code.WAVE_UNKNOWN, Code.ALREADY_DONE, Code.STEP_NOT_OPEN, *_NO_JOINING),
            Consent,
            writes=True,
            takes_key=True,
        ),
        Route.LOOK: Operation(
            "Which wave the person is in, and what became of it.",
            {200: known(wave=nullable(TEXT), state={"enum": [shown.value for shown in Shown]})},
        ),
        Route.WALLET: Operation(
            "Choose the wallet that benefits are paid to; its account is checked against the person's NIK.",
            {200: _STATE},
            (
                Code.NOT_SELECTED,
                Code.WALLET_OF_ANOTHER,
                Code.WALLET_UNKNOWN,
                Code.WALLET_CHOSEN,
                Code.PARTNER_BUSY,
                Code.PLACE_LAPSED,
                Code.BENEFIT_ONCE,
            ),
            WalletChoice,
            writes=True,
        ),
        Route.BENEFITS: Operation(
            "What the person was given, where it is, in whole rupiah.",
            {200: known(granted=YES_OR_NO, lapsed=YES_OR_NO, rupiah={"type": "object", "additionalProperties": WHOLE})},
        ),
        Route.TRAINING: Operation(
            "Buy a training from the credit.",
            {201: _STATE},
            (Code.NOT_SELECTED, Code.PLACE_LAPSED, Code.CREDIT_SPENT),
            Purchase,
            writes=True,
            takes_key=True,
        ),
        Route.TRAINING_DONE: Operation(
            "The first training is done, and incentives begin; again changes nothing.",
            {200: _STATE},
            (Code.NOT_SELECTED, Code.PLACE_LAPSED, Code.TRAINING_FIRST),
            writes=True,
        ),
        Route.SURVEY: Operation(
            "Answer a survey.",
            {201: _STATE},
            (Code.NOT_SELECTED, Code.PLACE_LAPSED, Code.TRAINING_FIRST, Code.ALREADY_DONE, Code.FIELD_INVALID),
            writes=True,
            takes_key=True,
        ),
        Route.STATUS: Operation(
            "How far the person is.",
            {
                200: known(
                    email=TEXT,
                    steps={"type": "object", "additionalProperties": YES_OR_NO},
                    nik_state=nullable(TEXT),
                    photos=_PHOTO_STATES,
                    send_again=TEXTS_BY_NAME,
                    wave=nullable(TEXT),
                )
            },
        ),
        Route.TICKET: Operation(
            "Ask to send a photo; 200 when just this one is stored already, 503 with a time to come back when there is no room.",
            {200: _PHOTO, 201: known(url=TEXT, tus_url=TEXT, expires_in_seconds=NUMBER, bytes_limit=WHOLE)},
            (Code.PHOTO_TOO_LARGE, Code.UPLOADS_BUSY, Code.PLACE_INVALID, Code.DEADLINE_PASSED, Code.PHOTO_UNDECODABLE, *WALK),
            TicketWish,
            optional_headers=(DEADLINE_HEADER,),
        ),
        Route.PHOTO_PUT: Operation(
            "Send the photo of a ticket; 201 when it is durable.",
            {201: _PHOTO},
            (
                Code.TICKET_MISSING,
                Code.TICKET_INVALID,
                Code.TICKET_EXPIRED,
                Code.WRONG_TYPE,
                Code.PHOTO_SIZE_MISMATCH,
                Code.PHOTO_DIGEST_MISMATCH,
                Code.DEADLINE_PASSED,
                *WALK,
                *KEEPING,
            ),
            media="image/jpeg",
            needs_session=False,
            writes=True,
            query=("ticket",),
            optional_headers=(DEADLINE_HEADER,),
        ),
        Route.TUS_OPTIONS: Operation("What this site understands of tus.", {204: None}, needs_session=False),
        Route.TUS_UPLOAD_OPTIONS: Operation("The same, of an upload's address.", {204: None}, needs_session=False),
        Route.TUS_CREATE: Operation(
            "tus: begin an upload; `kind` and, where it is known, `sha256` are in Upload-Metadata, and its address is in Location.",
            {201: None},
            (
                Code.PROTOCOL_VERSION_UNKNOWN,
                Code.FIELD_MISSING,
                Code.FIELD_INVALID,
                Code.PHOTO_TOO_LARGE,
                Code.UPLOADS_BUSY,
                Code.PLACE_INVALID,
            ),
            writes=True,
            headers=("Tus-Resumable", "Upload-Length", "Upload-Metadata"),
        ),
        Route.TUS_HEAD: Operation(
            "tus: where the upload stands (Upload-Offset); an older request of it is ended.",
            {200: None},
            TUS_CODES,
            needs_session=False,
            headers=("Tus-Resumable",),
        ),
        Route.TUS_PATCH: Operation(
            "tus: send from where the upload stands; the answer to the last piece means that the photo is durable.",
            {204: None},
            (
                *TUS_CODES,
                Code.WRONG_TYPE,
                Code.OFFSET_MISMATCH,
                Code.CHECKSUM_MISMATCH,
                Code.BODY_TOO_LARGE,
                Code.UPLOADS_BUSY,
                Code.PHOTO_DIGEST_MISMATCH,
                *WALK,
                *KEEPING,
            ),
            media="application/offset+octet-stream",
            needs_session=False,
            writes=True,
            headers=("Tus-Resumable", "Upload-Offset"),
        ),
        Route.TUS_DELETE: Operation(
            "tus: give an upload up; a photo that is stored stays.",
            {204: None},
            TUS_CODES,
            needs_session=False,
            writes=True,
            headers=("Tus-Resumable",),
        ),
        Route.PHOTO_POST: Operation(
            "Send a photo as a form, in the field `photo`; 201 when it is durable.",
            {201: _PHOTO},
            (Code.WRONG_TYPE, Code.FIELD_MISSING, Code.BODY_TOO_LARGE, Code.PHOTO_TOO_LARGE, *WALK, *KEEPING),
            media="multipart/form-data",
            writes=True,
        ),
    }
)
