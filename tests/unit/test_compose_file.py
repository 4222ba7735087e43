"""Two images in place of two revisions: what options, compose file and engines say before anything is started."""

import argparse
from pathlib import Path

import pytest

from gelombang.errors import HostError, InputError
from gelombang_cli.gate_images import images_of
from gelombang_gates.compose_file import ComposeFile, read_compose_file
from gelombang_gates.container_engine import found_engine
from gelombang_gates.control_group import own_group

NONE = dict.fromkeys(("compose", "base_image", "head_image", "compose_service", "compose_port", "base", "service", "python"))


def test_without_any_of_the_options_two_revisions_are_meant() -> None:
    assert images_of(argparse.Namespace(**NONE)) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"compose": Path("c.yaml")}, "--compose stands without --base-image; want all of --compose, --base-image, --head-image"),
        ({"compose_port": 8000}, "--compose-port stands without --compose; want all of"),
        (
            {"compose": Path("c.yaml"), "base_image": "a", "head_image": "b", "base": "main"},
            "--base stands beside --compose; want two images or",
        ),
        ({"compose": Path("c.yaml"), "base_image": "a", "head_image": "b", "service": "x"}, "--command stands beside --compose"),
    ],
)
def test_half_of_the_options_or_both_kinds_of_them_is_wrong_input(given: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as caught:
        images_of(argparse.Namespace(**(NONE | given)))
    assert said in str(caught.value)


def compose(folder: Path, text: str) -> Path:
    path = folder / "compose.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("ports", "port"),
    [
        ('["8000"]', 8000),
        ("[8000]", 8000),
        ('["127.0.0.1::80"]', 80),
        ('["127.0.0.1::80/tcp"]', 80),
        ("[{target: 81}]", 81),
        ('["0:82"]', 82),
    ],
)
def test_the_port_is_the_one_that_the_only_service_publishes(tmp_path: Path, ports: str, port: int) -> None:
    path = compose(tmp_path, f"services: {{web: {{image: x, ports: {ports}}}}}")
    assert read_compose_file(path, None, None) == ComposeFile(path, "web", port)


def test_a_service_on_the_host_s_network_is_told_its_port(tmp_path: Path) -> None:
    path = compose(tmp_path, "services: {web: {image: x, network_mode: host}}")
    assert read_compose_file(path, None, None) == ComposeFile(path, "web", None)


def test_of_several_services_one_is_named_with_its_port(tmp_path: Path) -> None:
    path = compose(tmp_path, "services: {web: {image: x}, db: {image: y}}")
    assert read_compose_file(path, "web", 8000) == ComposeFile(path, "web", 8000)


@pytest.mark.parametrize(
    ("text", "service", "said"),
    [
        ("services: {web: {ports: ['8080:8000']}}", None, "services.web.ports[0] is '8080:8000', fixed on 8080; want any port"),
        ("services: {web: {ports: ['127.0.0.1:8080:8000']}}", None, "fixed on 8080"),
        ("services: {web: {ports: [{target: 80, published: 8080}]}}", None, "fixed on 8080"),
        ("services: {web: {container_name: shop}}", None, "services.web.container_name is 'shop'; want none of it"),
        ("services: {web: {image: x}}", None, "services.web.ports is []; want one port"),
        ("services: {web: {ports: ['1-2']}}", None, "ports[0] is '1-2'; want one port"),
        ("services: {web: {}, db: {}}", None, "has 2 services (web, db); want --compose-service"),
        ("services: {web: {}, db: {}}", "wbe", "--compose-service is 'wbe'; want web (did you mean that?)"),
        ("services: {web: 3}", None, "services.web is 3; want a table"),
        ("version: 3", None, "has no services"),
        ("a: [", None, "is no YAML"),
    ],
)
def test_what_would_not_work_is_said_before_an_engine_is_asked(tmp_path: Path, text: str, service: str | None, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_compose_file(compose(tmp_path, text), service, None)
    assert said in str(caught.value)


def test_a_compose_file_that_is_not_there_is_wrong_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml can't be read \(No such file or directory\); want a compose file"):
        read_compose_file(tmp_path / "none.yaml", None, None)


def test_without_an_engine_the_error_says_what_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError) as caught:
        found_engine()
    wanted = "docker compose: not installed; podman compose: not installed; podman-compose: not installed"
    assert f"no container engine with compose ({wanted}); want docker with its compose plugin" in str(caught.value)


def groups(folder: Path, ours: str, theirs: str, files: dict[str, str]) -> float | None:
    for name, text in (("self", ours), ("42", theirs)):
        (folder / "proc" / name).mkdir(parents=True)
        (folder / "proc" / name / "cgroup").write_text(text)
    for name, text in files.items():
        path = folder / "mount" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    found = own_group(42, folder / "proc", folder / "mount")
    return None if found is None else found.cpu_seconds()


def test_cpu_time_of_a_control_group_of_its_own_is_read_in_either_version(tmp_path: Path) -> None:
    stat = "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n"
    assert groups(tmp_path / "new", "0::/a\n", "0::/shop/b\n", {"shop/b/cpu.stat": stat}) == 1.5
    old = "4:memory:/b\n2:cpu,cpuacct:/shop/b\n0::/\n"
    assert groups(tmp_path / "old", "2:cpu,cpuacct:/\n0::/\n", old, {"cpu,cpuacct/shop/b/cpuacct.usage": "250000000\n"}) == 0.25


def test_a_control_group_that_is_also_ours_or_can_not_be_read_says_nothing(tmp_path: Path) -> None:
    assert groups(tmp_path / "shared", "0::/a\n", "0::/a\n", {"a/cpu.stat": "usage_usec 1\n"}) is None
    assert groups(tmp_path / "root", "2:cpuacct:/\n", "2:cpuacct:/\n0::/\n", {"cpuacct/cpuacct.usage": "1\n"}) is None
    assert groups(tmp_path / "hidden", "0::/a\n", "0::/b\n", {}) is None
    assert own_group(42, tmp_path / "nothing", tmp_path) is None
