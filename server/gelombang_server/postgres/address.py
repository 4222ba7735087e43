"""Where the database is, how it is reached, and how its troubles are called.

The URL stands in the profile with references (`${env:NAME}`) for what is secret; each process looks the values up itself. All tables of a
site are in one schema: the one that the profile names, which several servers may share, or else one of the run's own.
"""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

import asyncpg

from gelombang.attempt import Code
from gelombang.errors import GelombangError, InputError, TargetUnreachableError
from gelombang.profile import Database
from gelombang.secrets import look_up_secrets
from gelombang_server.problem import Problem

CONNECT_SECONDS = 2.0
"""How long a connection may take to be there."""
COMMAND_SECONDS = 5.0
"""How long one statement may take, the wait for the turn to write included."""
IDLE_IN_TRANSACTION = "3s"
"""After this the server ends the transaction of a process that is gone, or whose host nobody reaches, and another gets its turn: before the
others, who wait for it, give up."""
UNHEARD = "4s"
"""After this the server ends the session of a host that does not even say that it heard; keep-alives alone never end one that was being
answered when its host was cut off."""
OLDEST_VERSION = 14

Connection: TypeAlias = asyncpg.Connection

_GONE = (
    OSError,
    EOFError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
)
_BUSY = (asyncpg.LockNotAvailableError, asyncpg.TooManyConnectionsError, asyncpg.DeadlockDetectedError)


class Address(NamedTuple):
    """A database that can be connected to."""

    url: str
    """With its secrets: never printed."""
    schema: str

    @property
    def shown(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.hostname or 'this machine'}{f':{parts.port}' if parts.port else ''}{parts.path}"

    @property
    def named(self) -> str:
        """For a sentence."""
        return f"schema {self.schema} at {self.shown}"

    def lock(self, purpose: str) -> int:
        """The key of an advisory lock of this site."""
        return int.from_bytes(hashlib.sha256(f"gelombang {self.schema} {purpose}".encode()).digest()[:8], signed=True)

    def settings(self) -> dict[str, str]:
        """What every session of ours has."""
        return {
            "application_name": "gelombang",
            "search_path": self.schema,
            "lock_timeout": f"{round(COMMAND_SECONDS * 1_000)}ms",
            "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION,
            "tcp_keepalives_idle": "2",
            "tcp_keepalives_interval": "1",
            "tcp_keepalives_count": "2",
            "tcp_user_timeout": UNHEARD,
            "jit": "off",
        }

    async def connect(self) -> Connection:
        """A session of its own. Raises what `told` knows."""
        return await asyncpg.connect(self.url, timeout=CONNECT_SECONDS, command_timeout=COMMAND_SECONDS, server_settings=self.settings())


def address_of(database: Database, run: int) -> Address:
    """The database of a profile with its secrets filled in. Raises FileError for a secret that has no value."""
    assert database.url is not None, "a profile without a URL has its database in a file"
    secrets = look_up_secrets(database, "[database]")
    return Address(secrets.filled(database.url), database.schema_name or f"gelombang_run_{run:010x}")


async def connect_first(address: Address) -> Connection:
    """The first connection of a command: what is wrong is told to the operator.

    Raises TargetUnreachableError when nobody answers, InputError when who answers can't be used.
    """
    with told_to_operator(address):
        connection = await address.connect()
    version = connection.get_server_version()
    if version.major < OLDEST_VERSION:
        await connection.close()
        raise InputError(f"[database] url: PostgreSQL {version.major} at {address.shown}; want {OLDEST_VERSION} or newer")
    return connection


@contextmanager
def told_to_operator(address: Address) -> Iterator[None]:
    """Turns what asyncpg raises into one sentence for whoever started the command."""
    try:
        yield
    except GelombangError:
        raise
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError, asyncpg.InsufficientPrivilegeError) as error:
        raise InputError(f"[database] url: {address.shown} said: {error}; want a database and a role that may use it") from None
    except (asyncpg.ClientConfigurationError, ValueError) as error:
        raise InputError(f"[database] url can't be understood ({error}); want postgresql://USER@HOST:PORT/NAME") from None
    except _GONE + _BUSY as error:
        found = str(error) or type(error).__name__
        raise TargetUnreachableError(f"[database] url: nobody answers at {address.shown} ({found}); want a running PostgreSQL") from None


def told(error: BaseException) -> Problem | None:
    """What a person is told when the database can't do it now; None for an error that is no trouble of the database's."""
    match error:
        case asyncpg.DiskFullError():
            return Problem(Code.DATABASE_FULL, "there is no room left on the database's disk; please come back")
        case _ if isinstance(error, _BUSY):
            return Problem(Code.DATABASE_BUSY, "the database is held by another process; please come back")
        case _ if isinstance(error, _GONE) and not isinstance(error, asyncio.CancelledError):
            return Problem(Code.DATABASE_GONE, "the database can't be reached just now; please come back")
    return None
