"""What each route takes and answers; those that photos come in by are said in `uploads`."""

from collections.abc import Mapping
from types import MappingProxyType

from gelombang.attempt import Code
from gelombang.programme.wave import Shown
from gelombang_server.accounts import LogIn, NewAccount
from gelombang_server.contract.operation import NUMBER, TEXT, TEXTS_BY_NAME, WHOLE, YES_OR_NO, Operation, known, nullable
from gelombang_server.contract.uploads import UPLOADS
from gelombang_server.data import PersonalData
from gelombang_server.otp import OneTimeCode, Phone
from gelombang_server.programme.benefiting import Purchase, WalletChoice
from gelombang_server.routes import Route
from gelombang_server.saved_answers import Choice, SittingState
from gelombang_server.test import Answers
from gelombang_server.wave import Consent

_NO_JOINING = (Code.WAVE_NOT_OPEN, Code.WAVE_CLOSED, Code.MEMBER_ALREADY, Code.SELECTED_ALREADY, Code.BENEFIT_ONCE)

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
        **UPLOADS,
    }
)
