"""The site's way to a wallet partner: three questions, each with few answers, and silence for whatever else comes back."""

from typing import Literal

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError

from gelombang.programme.partner import Check
from gelombang.programme.payout import Ask, Payment, Reply
from gelombang.secrets import look_up_text
from gelombang_server.config import SiteContext
from gelombang_server.programme.partners import URL_FILE

ANSWER_BYTES_LIMIT = 4_096


class _Checked(BaseModel):
    model_config = ConfigDict(extra="ignore")
    account: Check


class _Paid(BaseModel):
    model_config = ConfigDict(extra="ignore")
    payment: Literal[Reply.PAID, Reply.NOT_FOUND, Reply.REFUSED]


class Adapters:
    """All partners of one process; connections are kept."""

    def __init__(self, context: SiteContext) -> None:
        assert context.profile.programme is not None
        self._context = context
        self._payouts = context.profile.programme.payouts
        self.names = [partner.name for partner in context.profile.programme.partners]
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def check(self, partner: str, account: str, nik: str) -> Check | None:
        """Whose account it is; None when the partner does not say."""
        found = await self._asked("POST", f"{partner}/checks", {"account": account, "nik": nik})
        if not isinstance(found, bytes):
            return None
        try:
            return _Checked.model_validate_json(found).account
        except ValidationError:
            return None

    async def ask(self, partner: str, asked: Ask, payment: Payment) -> Reply:
        """Send a payment, or ask for its key."""
        if asked is Ask.SEND:
            wish: dict[str, str | int] = {"key": payment.key, "account": payment.account, "rupiah": payment.rupiah}
            found = await self._asked("POST", f"{partner}/payments", wish)
        else:
            found = await self._asked("GET", f"{partner}/payments/{payment.key}", None)
        if isinstance(found, Reply):
            return found
        try:
            return _Paid.model_validate_json(found).payment
        except ValidationError:
            return Reply.SILENCE

    async def _asked(self, method: str, path: str, wish: dict[str, str | int] | None) -> bytes | Reply:
        """The body of a good answer; BUSY for one that says so, SILENCE for everything else."""
        timeout = aiohttp.ClientTimeout(total=self._payouts.answer_within_seconds)
        try:
            async with self._opened().request(method, path, json=wish, timeout=timeout) as answer:
                if answer.status in (429, 503):
                    return Reply.BUSY
                return await answer.content.read(ANSWER_BYTES_LIMIT) if answer.status == 200 else Reply.SILENCE
        except (aiohttp.ClientError, TimeoutError):
            return Reply.SILENCE

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            base = (self._context.site / URL_FILE).read_text() + "/partners/"
            connector = aiohttp.TCPConnector(limit=self._payouts.in_progress_limit * len(self.names))
            token = look_up_text(self._context.plan.harness_token, "harness_token")
            headers = {"Authorization": f"Bearer {token}"}
            self._session = aiohttp.ClientSession(base, connector=connector, headers=headers)
        return self._session
