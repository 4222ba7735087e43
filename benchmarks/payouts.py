"""The first payments of wave 1 at full size through four partners that fall silent, by the rules alone: nobody twice, nobody left out.

`python benchmarks/payouts.py`. One request in a hundred is never answered although the money moved, one is lost before. The same
over HTTP is `gelombang run payout-day`, and in every order that hypothesis thinks of `tests/laws/test_programme_payout_laws.py`.
"""

from collections import Counter

from gelombang.clock import process_cpu_seconds
from gelombang.programme.partner import Habits, Manners, PartnerBook, manners
from gelombang.programme.payout import SETTLED, Ask, Pauses, Payment, Reply

PAYMENTS, PARTNERS, RUPIAH = 168_111, 4, 600_000
HABITS = Habits(silent_before_ratio=0.01, silent_after_ratio=0.01, requests_per_second=1.0)
PAUSES = Pauses(first_us=5_000_000, longest_us=900_000_000)
SEED = 2020


def reply(book: PartnerBook, asked: Ask, payment: Payment, treated: Manners) -> Reply:
    """What comes back."""
    if treated is Manners.SILENT_BEFORE:
        return Reply.SILENCE
    found = book.pay(payment.key, payment.account, payment.rupiah) if asked is Ask.SEND else book.find(payment.key)
    return Reply.SILENCE if treated is Manners.SILENT_AFTER else found


def main() -> None:
    began_seconds = process_cpu_seconds()
    books = [PartnerBook() for _ in range(PARTNERS)]
    tries: Counter[int] = Counter()
    requests = silent_after = 0
    for number in range(PAYMENTS):
        payment = Payment(f"{number:x}", f"8{number:016d}", RUPIAH)
        while payment.state not in SETTLED:
            now_us = payment.not_before_us
            asked = payment.next_ask(now_us)
            assert asked is not None
            begun = payment.sending() if asked is Ask.SEND else payment
            requests += 1
            treated = manners(HABITS, SEED, requests)
            silent_after += treated is Manners.SILENT_AFTER and asked is Ask.SEND
            payment = begun.answered(reply(books[number % PARTNERS], asked, begun, treated), now_us, PAUSES)
        tries[payment.tries] += 1
    moves = sum(book.moves for book in books)
    paid = sum(len(book.paid) for book in books)
    print(f"{PAYMENTS:,} payments, {requests:,} requests, {silent_after:,} of them silent after the money moved")
    print(
        f"paid twice: {moves - paid}; left out: {PAYMENTS - paid}; Rp {sum(amount for book in books for _, amount in book.paid.values()):,}"
    )
    print(f"requests a payment: {dict(sorted(tries.items()))}; {process_cpu_seconds() - began_seconds:.1f} s of CPU")


if __name__ == "__main__":
    main()
