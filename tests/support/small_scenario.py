"""A journey of a few steps and people without surprises, for tests that walk it."""

from typing import Any

from gelombang.scenario import Scenario

ACCOUNT: dict[str, Any] = {
    "step": "account",
    "form": "request",
    "method": "POST",
    "path": "/accounts",
    "body": {"json": {"email": "{email}"}},
    "capture": {"session": {"json_pointer": "/session"}},
}
HOME: dict[str, Any] = {"step": "home", "form": "request", "method": "GET", "path": "/me", "headers": {"authorization": "Bearer {session}"}}
SEND: dict[str, Any] = {"step": "otp-send", "form": "request", "method": "POST", "path": "/otp"}
SMS: dict[str, Any] = {
    "step": "otp-sms",
    "form": "message",
    "kind": "otp",
    "address": "{phone}",
    "within_seconds": 300.0,
    "capture": {"code": {"message": "code"}},
    "on": {"no_message": "step:otp-send"},
}
CODE: dict[str, Any] = {"step": "otp", "form": "request", "method": "PUT", "path": "/otp", "body": {"json": {"code": "{code}"}}}
KTP: dict[str, Any] = {"step": "ktp", "form": "photo", "photo": "ktp", "protocol": "multipart", "url": "http://127.0.0.1:9/photos"}
TICKET: dict[str, Any] = {**KTP, "protocol": "ticket", "url": "http://127.0.0.1:9/tickets"}


def scenario(
    *steps: dict[str, Any], arrivals_per_second: float = 1.0, for_seconds: float = 60.0, drain_seconds: float = 0.0, **patience: object
) -> Scenario:
    """A scenario with these steps, in which everything that is drawn is always the same."""
    fixed = {"value": 1_000_000.0}
    photo = {"first_bytes": {"value": 3_000_000.0}, "smaller_copy_bytes": {"value": 500_000.0}}
    return Scenario.model_validate(
        {
            "name": "small",
            "title": "Small",
            "opens_at": "2020-04-11T19:00:00+07:00",
            "profiles": ["hardened"],
            "drain_seconds": drain_seconds,
            "arrivals": {"phases": [{"form": "hold", "for_seconds": for_seconds, "start_per_second": arrivals_per_second}]},
            "people": {
                "nik_known_ratio": 1.0,
                "line": {
                    "uplink_bytes_per_second": fixed,
                    "round_trip_seconds": {"value": 0.0},
                    "fixed_line_ratio": 0.0,
                    "fixed_uplink_bytes_per_second": fixed,
                    "fixed_round_trip_seconds": {"value": 0.0},
                },
                "photos": {"ktp": photo, "selfie": photo},
            },
            "patience": {
                "page_seconds": {"value": 12.0},
                "upload_seconds": {"value": 45.0},
                "upload_progress_ratio": 2.0,
                "persist_ratio": 1.0,
                "persist_tries": 3,
                "persist_later_ratio": 1.0,
                "retry_seconds": {"value": 15.0},
                "away_seconds": {"value": 3600.0},
                "return_ratio": 1.0,
                "leave_when_refused_ratio": 0.0,
                "smaller_copy_ratio": 0.0,
                "attempts_limit": 50,
                **patience,
            },
            "journey": list(steps),
        }
    )
