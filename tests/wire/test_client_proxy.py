"""The generator's client behind a proxy: CONNECT for https, forwarding for http, and hosts that are reached without it."""

from pathlib import Path

import pytest

from gelombang.attempt import Outcome, Phase
from gelombang.clock import monotonic_us
from gelombang.errors import TargetUnreachableError
from gelombang.network import Network
from gelombang_loadtests.exchange import exchange
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.network import RouteBook
from gelombang_loadtests.pool import ConnectionPool
from gelombang_loadtests.target import base_of
from gelombang_loadtests.uplink import UNPACED
from gelombang_loadtests.warm_up import warm_up
from tests.wire.tls_site import Authority, Proxy, Site, running, server_context

SECOND = 1_000_000


def pool_of(**network: object) -> ConnectionPool:
    return ConnectionPool(sockets_limit=20, routes=RouteBook(Network.model_validate(network)))


def ask(pool: ConnectionPool, host: str, port: int, tls: bool, body: bytes = b"") -> Answer:
    request = Request(b"POST" if body else b"GET", b"/x?y=1", host, port, ((b"accept", b"*/*"),), body, tls=tls)
    return exchange(pool.person(), request, UNPACED, monotonic_us() + 10 * SECOND)


def test_https_goes_through_a_tunnel_and_the_proxy_sees_only_its_end(tmp_path: Path) -> None:
    authority = Authority.made(tmp_path)
    with running(Site(server_context(authority.certificate("shop.example")))) as site, running(Proxy()) as proxy:
        pool = pool_of(ca_file=str(authority.file), proxy=f"http://127.0.0.1:{proxy.port}")
        answer = ask(pool, "shop.example", site.port, tls=True, body=b"secret")
        pool.close()
    assert (answer.status, site.seen.bodies) == (200, [b"secret"])
    assert proxy.seen.heads == [b"CONNECT shop.example:%d HTTP/1.1\r\nHost: shop.example:%d\r\n\r\n" % (site.port, site.port)]
    assert answer.bytes_sent == len(site.seen.heads[0]) + 6


def test_http_is_forwarded_with_the_whole_url() -> None:
    with running(Site()) as site, running(Proxy()) as proxy:
        pool = pool_of(proxy=f"http://127.0.0.1:{proxy.port}")
        answer = ask(pool, "shop.example", site.port, tls=False)
        pool.close()
    assert (answer.status, answer.body) == (200, b"ok")
    assert proxy.seen.heads == [
        b"GET http://shop.example:%d/x?y=1 HTTP/1.1\r\nHost: shop.example:%d\r\naccept: */*\r\n\r\n" % (site.port, site.port)
    ]
    assert site.seen.heads[0].startswith(b"GET /x?y=1 HTTP/1.1\r\nHost: shop.example:")


@pytest.mark.parametrize("tls", [True, False])
def test_a_proxy_gets_the_credentials_that_its_address_holds(tmp_path: Path, tls: bool) -> None:
    authority = Authority.made(tmp_path)
    context = server_context(authority.certificate("shop.example")) if tls else None
    with running(Site(context)) as site, running(Proxy(credentials="Basic aW86YSZi")) as proxy:
        without = ask(pool_of(ca_file=str(authority.file), proxy=f"http://127.0.0.1:{proxy.port}"), "shop.example", site.port, tls)
        pool = pool_of(ca_file=str(authority.file), proxy=f"http://io:a%26b@127.0.0.1:{proxy.port}")
        answer = ask(pool, "shop.example", site.port, tls)
        pool.close()
    assert answer.status == 200
    assert (without.outcome_error, without.phase) == (Outcome.PROXY_REFUSED, Phase.CONNECT if tls else Phase.RECEIVE)
    assert "407" in without.error
    assert b"Proxy-Authorization" not in site.seen.heads[0] or not tls


def test_a_proxy_that_refuses_is_an_outcome_with_its_sentence(tmp_path: Path) -> None:
    with running(Proxy(refusal=b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")) as proxy:
        pool = pool_of(proxy=f"http://127.0.0.1:{proxy.port}")
        answer = ask(pool, "shop.example", 443, tls=True)
    assert (answer.outcome_error, answer.phase) == (Outcome.PROXY_REFUSED, Phase.CONNECT)
    assert answer.error == f"the proxy 127.0.0.1:{proxy.port} refused CONNECT shop.example:443: 403 Forbidden"
    assert pool.routes.routes[0].sentences == {answer.error: 1}


def test_before_the_run_a_proxy_that_refuses_is_exit_4() -> None:
    proxy = Proxy(refusal=b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    with running(proxy), pytest.raises(TargetUnreachableError) as failed:
        warm_up(pool_of(proxy=f"http://127.0.0.1:{proxy.port}"), base_of("https://shop.example", "--target"), [])
    assert str(failed.value) == (
        f"https://shop.example:443 does not answer (the proxy 127.0.0.1:{proxy.port} refused CONNECT shop.example:443: 403 Forbidden); "
        "want a proxy that lets the run pass, or the host in network.no_proxy"
    )


def test_a_proxy_that_is_not_there_is_told_apart_from_a_site_that_is_not() -> None:
    with running(Proxy()) as proxy:
        pass
    answer = ask(pool_of(proxy=f"http://127.0.0.1:{proxy.port}"), "shop.example", 80, tls=False)
    assert answer.outcome_error is Outcome.PROXY_REFUSED
    assert answer.error == f"the proxy 127.0.0.1:{proxy.port} can't be reached (Connection refused)"


def test_a_host_on_the_no_proxy_list_is_reached_directly() -> None:
    with running(Site()) as site, running(Proxy()) as proxy:
        pool = pool_of(proxy=f"http://127.0.0.1:{proxy.port}", no_proxy=["127.0.0.0/8"])
        answer = ask(pool, "127.0.0.1", site.port, tls=False)
        pool.close()
    assert answer.status == 200
    assert proxy.seen.heads == []
