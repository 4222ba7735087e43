"""The container file and `deploy/site`, checked without an engine: schemas, what files say of one another, no secret in any."""

import json
import os
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gelombang.loading import load_scenario
from gelombang_dashboards.prometheus import RULE_FILES
from tests.support.debian_tools import program
from tests.support.deployed import DEPLOY, texts

pytestmark = pytest.mark.system
ROOT, SITE = DEPLOY.parent, DEPLOY / "site"
COMPOSE = yaml.safe_load((SITE / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()


@pytest.mark.parametrize("path", [DEPLOY / "compose.yaml", SITE / "compose.yaml"], ids=lambda path: path.parent.name)
def test_a_compose_file_has_the_fields_of_the_compose_specification(path: Path) -> None:
    schema = json.loads((files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_rights_a_root_it_cant_write_to_and_an_image_of_one_version(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"], service["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert re.search(r":v?\d+\.\d+(\.\d+)?$|:\$\{GELOMBANG_VERSION:-\d+\.\d+\.\d+\}$", service["image"])
    if "build" in service:
        assert service["user"] == "10001:10001"
        assert f"AS {service['build']['target']}\n" in CONTAINERFILE
        assert (SITE / service["build"]["context"] / service["build"]["dockerfile"]).resolve() == DEPLOY / "Containerfile"
    mounted = [volume.split(":")[0] for volume in service.get("volumes", [])]
    assert all((SITE / path).exists() for path in mounted if path.startswith(".")), mounted
    assert {volume for volume in mounted if not volume.startswith(".")} <= set(COMPOSE["volumes"])
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_every_secret_is_drawn_for_who_starts_the_site_alone_and_none_is_written_here(tmp_path: Path) -> None:
    wanted = {name for _, text in texts(COMPOSE) for name in re.findall(r"\$\{(\w+):\?", text)}
    script = tmp_path / "draw-secrets.sh"
    script.write_bytes((SITE / "draw-secrets.sh").read_bytes())
    subprocess.run(["sh", str(script)], check=True, timeout=30)
    drawn = tmp_path / ".env"
    assert drawn.stat().st_mode & 0o777 == 0o600
    values = dict(line.split("=", 1) for line in drawn.read_text().splitlines())
    assert set(values) == wanted
    assert len(set(values.values())) == len(values)
    assert min(map(len, values.values())) >= 24
    again = subprocess.run(["sh", str(script)], check=False, capture_output=True, text=True, timeout=30)
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert dict(line.split("=", 1) for line in drawn.read_text().splitlines()) == values
    for where, text in texts(COMPOSE):
        if re.search("PASSWORD|_KEY|TOKEN|SECRET", where.rpartition(".")[2]):
            assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", text), where


def test_the_servers_differ_in_where_their_uploads_are_and_the_proxy_leads_there() -> None:
    first, second = SERVICES["server-1"]["command"], SERVICES["server-2"]["command"]
    assert [(a, b) for a, b in zip(first, second, strict=True) if a != b] == [
        ("--uploads-url=http://haproxy:8091", "--uploads-url=http://haproxy:8092")
    ]
    text = (SITE / "haproxy.cfg").read_text()
    for port, place in (("8091", 1), ("8092", 2)):
        assert f"    bind :{port}\n    default_backend uploads_{place}\n" in text
        (backend,) = re.findall(rf"^backend uploads_{place}\n((?:    .*\n)+)", text, re.MULTILINE)
        assert re.findall(r"server (\S+) \"(\S+)\"", backend) == [(f"server-{place}", f"${{SERVER_{place}}}:8090")]


def test_the_proxy_s_file_is_understood_by_haproxy_and_asks_readyz() -> None:
    variables = {"SERVER_1": "127.0.0.1", "SERVER_2": "127.0.0.2", "GELOMBANG_HARNESS_TOKEN": "t"}
    command = [program("haproxy", "haproxy"), "-c", "-f", str(SITE / "haproxy.cfg")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30, env={**os.environ, **variables})
    assert (done.returncode, "WARNING" in done.stderr) == (0, False), done.stderr
    backends = re.findall(r"^backend (\w+)\n((?:    .*\n)+)", (SITE / "haproxy.cfg").read_text(), re.MULTILINE)
    assert {name for name, lines in backends if "httpchk GET /readyz" in lines} == {"api", "uploads", "uploads_1", "uploads_2"}


def test_prometheus_reads_its_file_and_every_rule_and_asks_every_process(tmp_path: Path) -> None:
    for volume in SERVICES["prometheus"]["volumes"]:
        source, _, target = volume.partition(":")
        if source.startswith("."):
            (tmp_path / Path(target.removesuffix(":ro")).name).write_bytes((SITE / source).read_bytes())
    command = [program("promtool"), "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    read = yaml.safe_load((tmp_path / "prometheus.yml").read_text())
    assert read["rule_files"] == list(RULE_FILES)
    targets = read["scrape_configs"][0]["static_configs"][0]["targets"]
    assert targets == [f"server-{place}:{port}" for place in (1, 2) for port in (8081, 8082)]


def test_grafana_has_the_dashboards_and_the_data_source_that_they_ask_for() -> None:
    ours = yaml.safe_load((SITE / "grafana-datasource.yaml").read_text())["datasources"]
    theirs = yaml.safe_load((ROOT / "dashboards/grafana/provisioning/datasources/gelombang.yaml").read_text())["datasources"]
    assert [source | {"url": ""} for source in ours] == [source | {"url": ""} for source in theirs]
    mounts = dict(volume.removesuffix(":ro").split(":") for volume in SERVICES["grafana"]["volumes"])
    assert mounts["../../dashboards/grafana"] == SERVICES["grafana"]["environment"]["GELOMBANG_DASHBOARDS"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / "dashboards/grafana" / Path(home).name).exists()


def test_the_generator_is_as_many_workers_as_its_master_expects_and_may_send_to_the_proxy_alone() -> None:
    master, worker = SERVICES["locust-master"], SERVICES["locust-worker"]
    assert f"--expect-workers={worker['deploy']['replicas']}" in master["command"]
    assert "--master-host=locust-master" in worker["command"]
    scenario = load_scenario(SITE / "scenario.toml")
    assert scenario.target is not None
    assert list(scenario.target.allowed_hosts) == ["haproxy"]


def test_an_image_is_built_from_known_hashes_as_nobody_in_particular_and_says_how_it_is() -> None:
    assert re.search(r"^ARG PYTHON_IMAGE=docker\.io/library/python:3\.\d+\.\d+-slim-\w+$", CONTAINERFILE, re.MULTILINE)
    assert "--require-hashes -r requirements.lock" in CONTAINERFILE
    assert "index-url" not in CONTAINERFILE + (ROOT / "requirements.lock").read_text()
    stages = re.split(r"^FROM ", CONTAINERFILE, flags=re.MULTILINE)
    base, server, generator = (next(stage for stage in stages if f" AS {name}\n" in stage) for name in ("base", "server", "generator"))
    assert "USER 10001:10001" in base
    assert "STOPSIGNAL SIGTERM" in base
    assert "HEALTHCHECK --" in server
    assert "/healthz" in server
    python = re.findall(r"python:(3\.\d+)\.", CONTAINERFILE)[0]
    assert f"/python{python}/site-packages/gelombang/_data/locustfiles/surge.py" in generator
    for line in CONTAINERFILE.splitlines():
        assert not re.search(r"(PASSWORD|TOKEN|SECRET|KEY)\w*=", line), line
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert all((ROOT / name).exists() for name in kept)
    assert not {".env", "runs", "deploy", "tests", ".git"} & set(kept)
