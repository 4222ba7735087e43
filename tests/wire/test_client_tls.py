"""The generator's client over TLS: certificates on both ends, names, resumption, and what it says when they don't fit."""

import hashlib
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import gevent
import pytest

from gelombang.attempt import Outcome, Phase
from gelombang.clock import monotonic_us
from gelombang.errors import InputError, TargetUnreachableError
from gelombang.network import ClientCertificate, Network
from gelombang_loadtests.exchange import exchange
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.network import RouteBook
from gelombang_loadtests.pool import ConnectionPool, PersonConnections
from gelombang_loadtests.target import base_of
from gelombang_loadtests.uplink import UNPACED, Line
from gelombang_loadtests.warm_up import warm_up
from tests.wire.scripted_server import OK, serving
from tests.wire.tls_site import Authority, Site, running, server_context

SECOND = 1_000_000


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.made(tmp_path)


def pool_of(network: Network, target_host: str = "") -> ConnectionPool:
    return ConnectionPool(sockets_limit=20, routes=RouteBook(network, target_host, seed=1))


def trusting(authority: Authority, **more: object) -> Network:
    return Network.model_validate({"ca_file": str(authority.file), **more})


def ask(person: PersonConnections, port: int, host: str = "localhost", body: bytes = b"", line: Line = UNPACED) -> Answer:
    method = b"POST" if body else b"GET"
    return exchange(person, Request(method, b"/x", host, port, (), body, tls=True), line, monotonic_us() + 10 * SECOND)


def test_a_request_goes_out_by_tls_and_names_its_host(authority: Authority) -> None:
    with running(Site(server_context(authority.certificate("localhost")))) as site:
        pool = pool_of(trusting(authority))
        person = pool.person()
        first, second = ask(person, site.port), ask(person, site.port)
        pool.close()
    assert (first.outcome_error, first.status, first.body) == (None, 200, b"ok")
    assert site.seen.heads[0].startswith(b"GET /x HTTP/1.1\r\nHost: localhost:%d\r\n" % site.port)
    assert site.seen.names == ["localhost"]
    assert first.connect_us > 0
    assert second.connect_us == 0
    assert first.bytes_sent == len(site.seen.heads[0])
    assert pool.open_sockets == 0


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_large_body_arrives_whole_whatever_the_version(authority: Authority, version: str) -> None:
    context = server_context(authority.certificate("localhost"))
    context.maximum_version = ssl.TLSVersion.TLSv1_3 if version == "1.3" else ssl.TLSVersion.TLSv1_2
    body = hashlib.sha256(b"seed").digest() * 100_000
    with running(Site(context)) as site:
        pool = pool_of(trusting(authority))
        sent = gevent.spawn(ask, pool.person(), site.port, "localhost", body, Line(40_000_000.0, 0.0))
        answer = sent.get()
        unpaced = ask(pool.person(), site.port, body=body)
        pool.close()
    assert (answer.status, unpaced.status) == (200, 200)
    assert [hashlib.sha256(got).digest() for got in site.seen.bodies] == [hashlib.sha256(body).digest()] * 2
    assert answer.bytes_sent == len(body) + len(site.seen.heads[0])
    assert site.seen.versions == [f"TLSv{version}"] * 2


def test_a_body_larger_than_all_buffers_of_the_kernel_loses_nothing(authority: Authority) -> None:
    body = hashlib.sha256(b"seed").digest() * 1_000_000
    with running(Site(server_context(authority.certificate("localhost")))) as site:
        pool = pool_of(trusting(authority))
        answer = gevent.spawn(ask, pool.person(), site.port, "localhost", body).get()
        pool.close()
    assert answer.status == 200
    assert hashlib.sha256(site.seen.bodies[0]).digest() == hashlib.sha256(body).digest()
    assert answer.bytes_sent == len(body) + len(site.seen.heads[0])


def test_an_expired_certificate_is_an_outcome_with_its_sentence(authority: Authority) -> None:
    with running(Site(server_context(authority.certificate("localhost", expired=True)))) as site:
        pool = pool_of(trusting(authority))
        answer = ask(pool.person(), site.port)
    assert (answer.outcome_error, answer.phase) == (Outcome.TLS_FAILED, Phase.CONNECT)
    assert answer.error == "the certificate of localhost has expired"
    assert pool.routes.routes[0].sentences == {"the certificate of localhost has expired": 1}
    assert site.seen.heads == []


def test_a_certificate_for_another_host_is_told_apart(authority: Authority) -> None:
    with running(Site(server_context(authority.certificate("other.example")))) as site:
        answer = ask(pool_of(trusting(authority)).person(), site.port)
    assert (answer.outcome_error, answer.error) == (Outcome.TLS_FAILED, "the certificate of localhost is for another name than localhost")


def test_a_certificate_of_an_unknown_authority_is_told_apart(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority.made(tmp_path, "stranger")
    with running(Site(server_context(stranger.certificate("localhost")))) as site:
        answer = ask(pool_of(trusting(authority)).person(), site.port)
    assert answer.outcome_error is Outcome.TLS_FAILED
    assert "signed by nobody who is trusted here" in answer.error
    assert "want its CA in network.ca_file" in answer.error


def test_a_site_without_tls_says_so(authority: Authority) -> None:
    with running(Site(answer=b"HTTP/1.1 400 Bad Request\r\n\r\n")) as site:
        person = pool_of(trusting(authority)).person()
        asked = gevent.spawn(
            lambda: exchange(person, Request(b"GET", b"/", "localhost", site.port, tls=True), UNPACED, monotonic_us() + SECOND // 2)
        )
        answer = asked.get()
    assert answer.outcome_error in (Outcome.TLS_FAILED, Outcome.TIMED_OUT)
    assert answer.phase is Phase.CONNECT


def test_a_version_below_the_minimum_is_refused(authority: Authority) -> None:
    context = server_context(authority.certificate("localhost"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with running(Site(context)) as site:
        answer = ask(pool_of(trusting(authority, minimum_tls="1.3")).person(), site.port)
    assert (answer.outcome_error, answer.error) == (
        Outcome.TLS_FAILED,
        "localhost speaks no version of TLS that network.minimum_tls allows",
    )


def test_the_certificate_of_a_host_is_shown_to_that_host_alone(authority: Authority, tmp_path: Path) -> None:
    mine = authority.certificate("person@mail.example")
    file = tmp_path / "mine.pem"
    mine.private_key_and_cert_chain_pem.write_to_path(str(file))
    network = trusting(authority, client_certificate={"localhost": ClientCertificate(certificate=str(file))})
    with running(Site(server_context(authority.certificate("localhost", "127.0.0.1"), clients=authority))) as site:
        pool = pool_of(network)
        fine = ask(pool.person(), site.port)
        stranger = ask(pool.person(), site.port, "127.0.0.1")
        pool.close()
    assert fine.status == 200
    assert site.seen.clients[0]
    assert stranger.outcome_error in (Outcome.TLS_FAILED, Outcome.RESET)


def test_before_the_run_a_missing_client_certificate_is_one_sentence(authority: Authority) -> None:
    site = Site(server_context(authority.certificate("localhost"), clients=authority))
    with running(site), pytest.raises(TargetUnreachableError) as failed:
        warm_up(pool_of(trusting(authority)), base_of(f"https://localhost:{site.port}", "--target"), [])
    assert str(failed.value).startswith(f"https://localhost:{site.port} does not answer (localhost ended the TLS handshake (")
    assert "it may want a certificate in network.client_certificate" in str(failed.value)


def test_before_the_run_an_expired_certificate_is_exit_4(authority: Authority) -> None:
    site = Site(server_context(authority.certificate("localhost", expired=True)))
    url = f"https://localhost:{site.port}"
    with running(site), pytest.raises(TargetUnreachableError) as failed:
        warm_up(pool_of(trusting(authority)), base_of(url, "--target"), [])
    assert failed.value.exit_code == 4
    assert str(failed.value) == (
        f"{url} does not answer (the certificate of localhost has expired); want a certificate that both ends accept"
    )


@pytest.mark.parametrize(("protocols", "offered"), [(("h2", "http/1.1"), True), (("http/1.1",), False), ((), False)])
def test_the_warm_up_sees_whether_http_2_is_offered_and_speaks_1_1(authority: Authority, protocols: tuple[str, ...], offered: bool) -> None:
    with running(Site(server_context(authority.certificate("localhost"), alpn=protocols))) as site:
        pool = pool_of(trusting(authority))
        warm_up(pool, base_of(f"https://localhost:{site.port}", "--target"), [])
    assert [route.offered_http2 for route in pool.routes.routes] == [offered]
    assert pool.routes.routes[0].tls_version == "TLSv1.3"
    assert len(site.seen.heads) == 50


def test_a_server_name_stands_in_for_the_targets_own(authority: Authority) -> None:
    with running(Site(server_context(authority.certificate("shop.example")))) as site:
        answer = ask(pool_of(trusting(authority, server_name="shop.example"), "127.0.0.1").person(), site.port, "127.0.0.1")
    assert answer.status == 200
    assert site.seen.names == ["shop.example"]
    assert b"Host: 127.0.0.1:" in site.seen.heads[0]


def test_a_name_is_reached_where_resolve_says_and_keeps_its_name(authority: Authority) -> None:
    with running(Site(server_context(authority.certificate("shop.example")))) as site:
        network = trusting(authority, resolve={"shop.example:443": f"127.0.0.1:{site.port}"})
        answer = ask(pool_of(network).person(), 443, "shop.example")
    assert answer.status == 200
    assert b"Host: shop.example\r\n" in site.seen.heads[0]
    assert site.seen.names == ["shop.example"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_people_who_resume_do_so_on_each_connection_and_others_never(authority: Authority, version: str) -> None:
    context = server_context(authority.certificate("localhost"))
    context.maximum_version = ssl.TLSVersion.TLSv1_3 if version == "1.3" else ssl.TLSVersion.TLSv1_2
    with running(Site(context)) as site:
        pool = pool_of(trusting(authority, resumed_ratio=0.5))
        assert ask(pool.person(0), site.port).status == 200  # the visit before: somebody's session is known from now on
        pool.close()
        expected = []
        for index in range(1, 21):
            person = pool.person(index)
            assert ask(person, site.port).status == 200
            person.close()
            expected.append(pool.routes.resumes(index))
    assert site.seen.resumed == [False, *expected]
    assert 4 <= sum(expected) <= 16
    route = pool.routes.routes[0]
    assert (route.resumed_handshakes, route.full_handshakes) == (sum(expected), 21 - sum(expected))


def test_a_connection_is_kept_when_tls_talks_while_nobody_asks(authority: Authority) -> None:
    """As it does with session tickets. Here a record's first bytes come early, because no server can be told to send a ticket late."""
    idle, early = threading.Event(), threading.Event()
    accepted = []

    def serve(connection: socket.socket, context: ssl.SSLContext) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)

        def until_done(step: Callable[[], object]) -> object:
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    connection.sendall(outgoing.read())
                    incoming.write(connection.recv(65_536))

        until_done(tls.do_handshake)
        until_done(lambda: tls.read(65_536))
        tls.write(OK)
        first = outgoing.read()
        tls.write(OK)
        second = outgoing.read()
        connection.sendall(first)
        assert idle.wait(10)
        connection.sendall(second[:3])
        early.set()
        until_done(lambda: tls.read(65_536))
        connection.sendall(second[3:])
        connection.recv(65_536)

    def script(connection: socket.socket) -> None:
        accepted.append(connection)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        serve(connection, server_context(authority.certificate("localhost")))

    with serving(script) as server:
        pool = pool_of(trusting(authority))
        person = pool.person()
        assert ask(person, server.port).status == 200
        idle.set()
        assert early.wait(10)
        gevent.sleep(0)
        assert person.idle_connections == 1
        assert ask(person, server.port).status == 200
        pool.close()
    assert len(accepted) == 1


def test_an_unreadable_authority_is_wrong_input(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate\n")
    with pytest.raises(InputError, match=r"network.ca_file is .*ca.pem, which can't be read"):
        RouteBook(Network(ca_file=str(file)))


def test_a_name_without_an_address_is_said_before_the_run() -> None:
    with pytest.raises(
        TargetUnreachableError, match=r"https://no-such-host.invalid:443 does not answer \(no-such-host.invalid has no address"
    ):
        warm_up(pool_of(Network()), base_of("https://no-such-host.invalid", "--target"), [])
