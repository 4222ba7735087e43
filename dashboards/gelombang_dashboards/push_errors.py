"""What can go wrong between a push and a Grafana, each as one sentence; the token is never part of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from gelombang.errors import InputError, TargetUnreachableError
from gelombang_dashboards.grafana_port import Away, NotJson, Refused, Silent


@contextmanager
def in_words(base: str, answer_within_seconds: float) -> Iterator[None]:
    """Turns what the port raises into operator errors."""
    try:
        yield
    except Silent as error:
        raise TargetUnreachableError(f"{base} did not answer within {answer_within_seconds:g} s; want a Grafana there") from error
    except Away as error:
        raise TargetUnreachableError(f"{base} can't be reached ({error}); want a Grafana that listens there") from error
    except NotJson as error:
        raise InputError(f"{base} answers, but not with JSON of Grafana's; want the address that Grafana's own page has") from error
    except KeyError as error:
        raise InputError(f"{base} answers without {error}, which Grafana has; want the address that Grafana's own page has") from error
    except Refused as refused:
        if refused.status >= 500:
            raise TargetUnreachableError(f"{base} answered {refused}; want a Grafana that is well") from refused
        raise InputError(_refusal(base, refused)) from refused


def _refusal(base: str, refused: Refused) -> str:
    match refused.status:
        case 401:
            return f"{base} does not accept the token (401); want a service account token that is neither wrong nor expired"
        case 403:
            return f"{base} does not let this token write (403: {refused.message}); want one with the role Editor (Admin for a data source)"
        case 404:
            return f"{base} has no Grafana API (404); want the address that Grafana's own page has, with its path if it has one"
        case 409:
            return f"{base} holds another thing of the same name or uid (409: {refused.message}); want that one away, or another --folder"
        case 412:
            return f"{base} holds another dashboard of the same name or a provisioned one (412: {refused.message}); want that one away"
        case status:
            return f"{base} refused ({status}: {refused.message})"
