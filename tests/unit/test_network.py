"""The section `[network]`: what it takes, what it refuses, and which hosts go past the proxy."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gelombang.network import Network, goes_direct, place_files
from gelombang.scale import Scale, scaled
from gelombang.validation import faults_of


def faults(**section: object) -> list[str]:
    with pytest.raises(ValidationError) as failed:
        Network.model_validate(section)
    return [str(fault) for fault in faults_of(failed.value, Network)]


def test_a_whole_section_is_read() -> None:
    network = Network.model_validate(
        {
            "ca_file": "ca.pem",
            "client_certificate": {"Shop.example": {"certificate": "mine.pem"}},
            "minimum_tls": "1.3",
            "resumed_ratio": 0.4,
            "proxy": "http://proxy.example:3128",
            "no_proxy": ["localhost", ".inner.example", "10.0.0.0/8"],
            "resolve": {"Shop.example:443": "192.0.2.7:8443", "[2001:db8::1]:443": "[::1]:443"},
            "source_addresses": ["192.0.2.1", "2001:db8::1"],
        }
    )
    assert list(network.client_certificate) == ["shop.example"]
    assert network.resolve["shop.example:443"] == "192.0.2.7:8443"
    assert scaled(network, Scale(speed=60.0)) == network


@pytest.mark.parametrize(
    ("section", "where"),
    [
        ({"resolve": {"shop.example:443": "shop-2.example:443"}}, "want ADDRESS:PORT such as 192.0.2.7:443"),
        ({"resolve": {"shop.example": "192.0.2.7:443"}}, "want HOST:PORT"),
        ({"source_addresses": ["eth0"]}, "source_addresses[0] is 'eth0'; want an IP address such as 192.0.2.7"),
        ({"source_addresses": ["300.1.1.1"]}, "source_addresses[0]"),
        ({"no_proxy": ["10.0.0.0/99"]}, "no_proxy[0] is '10.0.0.0/99'; want a host"),
        ({"minimum_tls": "1.1"}, "minimum_tls is '1.1'; want '1.2' or '1.3'"),
        ({"resumed_ratio": 1.5}, "resumed_ratio is 1.5; want 1 or less"),
        ({"server_name": "https://shop.example"}, "server_name is 'https://shop.example'; want the name of a host"),
        ({"client": "library", "resumed_ratio": 0.5}, "given resumed_ratio with client = 'library', which can't do that; want"),
        ({"verify": False}, "verify is a key that nobody reads"),
    ],
)
def test_what_can_not_be_meant_is_a_fault(section: dict[str, object], where: str) -> None:
    [fault] = faults(**section)
    assert where in fault


@pytest.mark.parametrize("proxy", ["https://proxy.example:3128", "proxy.example:3128", "http://proxy.example", "http://u:s3cret@p.example"])
def test_a_proxy_that_can_not_be_used_is_a_fault_that_does_not_show_it(proxy: str) -> None:
    [fault] = faults(proxy=proxy)
    assert fault.startswith("proxy is no proxy that can be used; want http://HOST:PORT")
    assert "s3cret" not in fault


@pytest.mark.parametrize(
    ("rule", "host", "direct"),
    [
        ("*", "shop.example", True),
        ("shop.example", "SHOP.example", True),
        ("shop.example", "www.shop.example", True),
        (".shop.example", "www.shop.example", True),
        ("shop.example", "myshop.example", False),
        (".shop.example", "shop.example", False),
        ("shop.example:8443", "shop.example", True),
        ("shop.example:443", "shop.example", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("2.3", "10.1.2.3", False),
        ("2001:db8::/32", "2001:db8::1", True),
        ("10.0.0.0/8", "10.example", False),
    ],
)
def test_who_goes_past_the_proxy(rule: str, host: str, direct: bool) -> None:
    assert goes_direct([rule], host, 8443) is direct


@pytest.mark.parametrize(("proxy", "faults"), [("http://u:s3cret@p.example:1", 1), ("http://u:${env:WORD}@p.example:1", 0)])
def test_a_password_of_the_proxy_is_a_reference(proxy: str, faults: int) -> None:
    assert Network(proxy=proxy).proxy == proxy
    found = [str(fault) for fault in place_files({"proxy": proxy}, lambda _: None)]
    assert len(found) == faults
    assert not any("s3cret" in fault for fault in found)


def test_files_are_put_in_place_and_the_missing_ones_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    section: dict[str, object] = {"ca_file": "ca.pem", "client_certificate": {"shop.example": {"certificate": "gone.pem", "key": 3}}}

    def find(name: str) -> Path | None:
        return tmp_path / name if (tmp_path / name).exists() else None

    found = [str(fault) for fault in place_files(section, find)]
    assert found == [
        "network.client_certificate.shop.example.certificate is 'gone.pem', which is not there; want a PEM file, by its path or beside the "
        "scenario"
    ]
    assert section["ca_file"] == str(tmp_path / "ca.pem")
