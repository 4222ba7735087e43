"""What the processes of a run saw of the network, added up, and what the page says of it."""

from pathlib import Path

from gelombang.histogram import Histogram
from gelombang.network_facts import HostSeen, NetworkHost, NetworkSeen, network_file, read_network
from gelombang_reports.page import PAGE_FIGURES
from gelombang_reports.provenance import rows
from gelombang_reports.texts import ENGLISH
from support.records import hardened


def seen(handshakes: list[int], failures: dict[str, int], resumed: int) -> HostSeen:
    return HostSeen(
        host="shop.example",
        port=443,
        address="192.0.2.7",
        proxy=None,
        protocol="HTTP/1.1",
        tls_version="TLSv1.3",
        offered_http2=True,
        full_handshakes=len(handshakes) - resumed,
        resumed_handshakes=resumed,
        handshakes_hex=Histogram.of(handshakes).to_bytes().hex(),
        failures=failures,
    )


def test_the_hosts_of_two_processes_are_added_up(tmp_path: Path) -> None:
    parts = [seen([1_000, 3_000], {"expired": 2}, 1), seen([5_000], {"expired": 1, "refused": 4}, 0)]
    for process, part in enumerate(parts):
        (tmp_path / network_file(process)).write_text(NetworkSeen(client="library", hosts=[part]).model_dump_json())
    client, [host] = read_network(tmp_path)
    assert client == "library"
    assert (host.full_handshakes, host.resumed_handshakes) == (2, 1)
    assert host.handshake_p50_seconds is not None
    assert abs(host.handshake_p50_seconds - 0.003) < 0.0001
    assert list(host.failures.items()) == [("refused", 4), ("expired", 3)]


def test_a_run_without_such_files_has_no_hosts(tmp_path: Path) -> None:
    assert read_network(tmp_path) == ("lean", [])


def test_the_provenance_states_the_protocol_and_whether_http_2_was_offered() -> None:
    host = NetworkHost(
        host="shop.example",
        port=443,
        address="192.0.2.7",
        proxy="proxy.example:3128",
        tls_version="TLSv1.3",
        offered_http2=True,
        full_handshakes=7,
        resumed_handshakes=3,
        handshake_p99_seconds=0.0042,
        failures={"the certificate of shop.example has expired": 2},
    )
    record = hardened()
    record = record.model_copy(update={"host": record.host.model_copy(update={"network": [host], "client": "library"})})
    [(title, words)] = [row for row in rows(record, ENGLISH, PAGE_FIGURES) if row[0] == "Network"]
    assert title == "Network"
    assert words.startswith(
        "HTTP/1.1 over TLSv1.3 with shop.example:443, which offered HTTP/2 as well, through the proxy proxy.example:3128;"
    )
    assert "7 full handshakes, 3 resumed, p99 4.2" in words
    assert "; 2 times: the certificate of shop.example has expired" in words
    assert "FastHttpSession" in words
