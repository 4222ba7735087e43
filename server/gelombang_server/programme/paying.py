"""The payout runner: one loop for each partner, at the partner's pace, so that a slow or silent one holds up nobody else's money.

The rules are those of `gelombang.programme.payout`. A round takes what is due, makes it durable that it is being sent, asks, and makes
durable what came back. A process that dies in between, or a database that is away just then, leaves payments in doubt, and the next round
asks for their keys first.
"""

import asyncio
from dataclasses import replace
from typing import Never

from gelombang import telemetry
from gelombang.profile_programme import WalletPartner
from gelombang.programme.payout import SETTLED, Pauses
from gelombang_server.background import run_for_ever
from gelombang_server.config import SiteContext
from gelombang_server.pacing import Pacer
from gelombang_server.programme.adapters import Adapters
from gelombang_server.programme.payments import OpenPayment, begin_sending, doubt_what_was_sent, keep_answers, open_payments

TICK_SECONDS = 0.02
"""Between two rounds, in wall time."""


class Paying:
    """One partner's payments; in the leading process."""

    def __init__(self, context: SiteContext, adapters: Adapters, partner: WalletPartner) -> None:
        assert context.profile.programme is not None
        payouts = context.profile.programme.payouts
        self._context = context
        self._adapters = adapters
        self._name = partner.name
        self._pacer = Pacer(partner.requests_per_second, context.now_us())
        self._limit = payouts.in_progress_limit
        self._pauses = Pauses(round(payouts.first_pause_seconds * 1e6), round(payouts.longest_pause_seconds * 1e6))
        self._answers = context.metrics.counter(telemetry.PAYMENT_ANSWERS)
        self._is_in_doubt = True
        """An earlier process, or a round that was broken off, may have begun to send what it kept no answer to."""

    async def run(self) -> Never:
        """Pay, for ever."""
        await run_for_ever(f"payments through {self._name}", self.round, TICK_SECONDS)

    async def round(self) -> None:
        """Ask about what can be asked about now."""
        database, now_us = self._context.database, self._context.now_us()
        if self._is_in_doubt:
            await database.run(lambda cursor: doubt_what_was_sent(cursor, self._name))
            self._is_in_doubt = False
        found = await database.read(lambda cursor: open_payments(cursor, self._name, now_us, self._limit))
        paced = []
        for one in found:
            if self._pacer.start_us(one.payment.not_before_us, now_us) is None:
                break
            paced.append(one)
        if not paced:
            return
        self._is_in_doubt = True
        begun = await database.run(lambda cursor: begin_sending(cursor, paced, now_us))
        answered = await asyncio.gather(*(self._asked(before, one) for before, one in zip(paced, begun, strict=True)))
        later_us = self._context.now_us()
        await database.run(lambda cursor: keep_answers(cursor, answered, later_us))
        self._is_in_doubt = False
        for one in answered:
            self._answers.labels(one.payment.state.value if one.payment.state in SETTLED else "again").inc()

    async def _asked(self, before: OpenPayment, begun: OpenPayment) -> OpenPayment:
        asked = before.payment.next_ask(self._context.now_us())
        assert asked is not None
        answer = await self._adapters.ask(self._name, asked, begun.payment)
        return replace(begun, payment=begun.payment.answered(answer, self._context.now_us(), self._pauses))
