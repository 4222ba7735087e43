"""The modelled wallet partner: whose account, one payment a key, and how it misbehaves."""

from gelombang.programme.partner import Check, Habits, Manners, PartnerBook, manners
from gelombang.programme.payout import Reply

NIK = "9901014203850001"


def test_an_account_belongs_to_the_nik_that_opened_it() -> None:
    book = PartnerBook()
    assert book.check(f"8{NIK}", NIK) is Check.SAME_NIK
    assert book.check(f"8{NIK}", NIK[:-1] + "2") is Check.OTHER_NIK
    assert book.check("0001345678", NIK) is Check.UNKNOWN
    assert book.check(f"1{NIK}", NIK) is Check.UNKNOWN


def test_the_same_key_again_moves_nothing() -> None:
    book = PartnerBook()
    assert book.find("k") is Reply.NOT_FOUND
    assert book.pay("k", f"8{NIK}", 600_000) is Reply.PAID
    assert book.pay("k", f"8{NIK}", 600_000) is Reply.PAID
    assert (book.moves, book.find("k")) == (1, Reply.PAID)


def test_a_closed_account_gets_nothing() -> None:
    book = PartnerBook()
    assert book.pay("k", f"7{NIK}", 600_000) is Reply.REFUSED
    assert (book.moves, book.find("k")) == (0, Reply.NOT_FOUND)


def test_a_hundredth_of_the_requests_fall_silent_after_the_money_moved_and_the_same_ones_each_time() -> None:
    habits = Habits(silent_before_ratio=0.02, silent_after_ratio=0.01, requests_per_second=100.0)
    found = [manners(habits, 7, request) for request in range(20_000)]
    # Two binomials of 20,000: 200 and 400 with deviations of 14 and 20; five of them.
    assert 130 <= found.count(Manners.SILENT_AFTER) <= 270
    assert 300 <= found.count(Manners.SILENT_BEFORE) <= 500
    assert found[:500] == [manners(habits, 7, request) for request in range(500)]
