"""A person's cookies: which are kept, and where they are sent."""

import pytest

from gelombang_loadtests.cookies import COOKIES_LIMIT, Jar

NOW = 1_000_000.0


def jar(*set_cookies: str, host: str = "shop.example", path: str = "/login", secure: bool = True) -> Jar:
    filled = Jar()
    for one in set_cookies:
        filled.take(one, host, path, secure, NOW)
    return filled


def sent(cookies: Jar, host: str = "shop.example", path: str = "/", secure: bool = True, later: float = 0.0) -> str:
    return cookies.header(host, path, secure, NOW + later)


def test_what_was_set_is_sent_back_and_the_last_value_counts() -> None:
    assert sent(jar("sid=1; HttpOnly; SameSite=Lax", "theme=dark", "sid=2; Partitioned; Priority=High")) == "theme=dark; sid=2"


def test_a_host_s_own_cookie_goes_to_that_host_alone() -> None:
    cookies = jar("sid=1")
    assert sent(cookies, "www.shop.example") == sent(cookies, "example") == ""
    assert sent(cookies, "SHOP.example") == "sid=1"


def test_a_domain_s_cookie_goes_to_the_hosts_below_it() -> None:
    cookies = jar("sid=1; Domain=.Example")
    assert sent(cookies, "www.shop.example") == sent(cookies, "example") == "sid=1"
    assert sent(cookies, "badexample") == ""


@pytest.mark.parametrize("domain", ["other.example", "www.shop.example", "op.example"])
def test_nobody_sets_a_cookie_for_somebody_else(domain: str) -> None:
    assert len(jar(f"sid=1; Domain={domain}")) == 0


def test_an_address_has_no_hosts_below_it() -> None:
    cookies = jar("sid=1; Domain=127.0.0.1", host="127.0.0.1")
    assert sent(cookies, "127.0.0.1") == "sid=1"
    assert len(jar("sid=1; Domain=0.0.1", host="127.0.0.1")) == 0


@pytest.mark.parametrize(("path", "expected"), [("/app", "sid=1"), ("/app/x?y=/", "sid=1"), ("/apple", ""), ("/", "")])
def test_a_path_s_cookie_goes_to_that_path_and_below(path: str, expected: str) -> None:
    assert sent(jar("sid=1; Path=/app"), path=path) == expected


def test_without_a_path_it_is_the_folder_of_the_page_that_set_it() -> None:
    cookies = jar("sid=1", path="/shop/cart/add?x=1")
    assert sent(cookies, path="/shop/cart/list") == "sid=1"
    assert sent(cookies, path="/shop/") == ""


def test_the_longest_path_comes_first() -> None:
    assert sent(jar("a=1; Path=/", "b=2; Path=/x"), path="/x") == "b=2; a=1"


def test_max_age_and_expires_end_a_cookie_and_max_age_wins() -> None:
    assert sent(jar("a=1; Max-Age=60"), later=59) == "a=1"
    assert sent(jar("a=1; Max-Age=60"), later=60) == ""
    assert sent(jar("a=1; Expires=Wed, 21 Oct 1970 07:28:00 GMT"), later=20_000_000) == "a=1"
    assert sent(jar("a=1; Expires=Wed, 21 Oct 1970 07:28:00 GMT"), later=26_000_000) == ""
    assert sent(jar("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT")) == "a=1"


@pytest.mark.parametrize("end", ["Max-Age=0", "Max-Age=-1", "Expires=Thu, 01-Jan-1970 00:00:00 GMT"])
def test_a_cookie_that_has_ended_is_forgotten(end: str) -> None:
    assert len(jar("a=1", f"a=gone; {end}")) == 0


def test_a_secure_cookie_is_neither_taken_nor_sent_without_tls_but_on_this_machine() -> None:
    assert sent(jar("a=1; Secure"), secure=False) == ""
    assert len(jar("a=1; Secure", secure=False)) == 0
    assert sent(jar("a=1; Secure", host="127.0.0.1", secure=False), "127.0.0.1", secure=False) == "a=1"


@pytest.mark.parametrize("wrong", ["", ";", "=", "a=" + "x" * 5_000, "a=1\x00"])
def test_a_wrong_cookie_is_passed_over(wrong: str) -> None:
    assert len(jar(wrong)) == 0


def test_a_person_keeps_so_many_and_the_oldest_makes_room() -> None:
    cookies = jar(*(f"c{i}=1" for i in range(COOKIES_LIMIT + 3)))
    assert len(cookies) == COOKIES_LIMIT
    assert cookies.value("c2", "shop.example", "/", True, NOW) is None
    assert cookies.value("c3", "shop.example", "/", True, NOW) == "1"
