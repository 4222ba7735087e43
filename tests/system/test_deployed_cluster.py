"""What `deploy/kubernetes` holds, checked without a cluster: schemas, what objects say of one another, and what a cluster would refuse."""

import json
import os
import re
import shlex
import subprocess
from argparse import ArgumentParser
from pathlib import Path

import jsonschema
import kubernetes_validate
import promql_parser
import pytest
import yaml

from gelombang.loading import load_scenario
from gelombang.telemetry import CATALOGUE
from gelombang_loadtests.by_hand import add_arguments
from tests.support.debian_tools import program
from tests.support.deployed import CLUSTER, built, objects, of_kind, pods, texts

pytestmark = pytest.mark.system
SITE, GENERATOR, MONITORING = CLUSTER / "site", CLUSTER / "generator", CLUSTER / "monitoring"
VERSION = "1.34"
"""The oldest Kubernetes of which every field here is a settled part."""
TEST = yaml.safe_load((GENERATOR / "locusttest.yaml").read_text())


@pytest.mark.parametrize("folder", [SITE, GENERATOR], ids=lambda folder: folder.name)
def test_every_object_has_the_fields_that_kubernetes_knows(folder: Path) -> None:
    found = [*objects(folder), *(built(folder) or [])]
    assert found
    for each in found:
        kubernetes_validate.validate(each, VERSION, strict=True)


def test_what_kustomize_makes_is_every_resource_and_the_proxy_s_own_file() -> None:
    made = built(SITE)
    if made is None:
        pytest.skip("neither kubectl nor kustomize is installed")
    written, kept = ({(each["kind"], each["metadata"]["name"]) for each in found} for found in (objects(SITE), made))
    assert written < kept
    (configuration,) = [each for each in of_kind("ConfigMap", made) if "haproxy.cfg" in each["data"]]
    assert configuration["data"]["haproxy.cfg"] == (SITE / "haproxy.cfg").read_text()
    (proxy,) = of_kind("Deployment", made)
    assert proxy["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"] == configuration["metadata"]["name"]
    assert {each["metadata"].get("namespace", "gelombang") for each in made} == {"gelombang"}


def test_a_locusttest_has_the_fields_of_the_operator_s_resource() -> None:
    schema = json.loads((Path(__file__).parents[1] / "data" / "locusttest.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(TEST)


def test_a_locusttest_is_understood_by_the_generator_and_may_be_sent_to_every_server_that_the_autoscaler_allows() -> None:
    spec = TEST["spec"]
    parser = ArgumentParser()
    add_arguments(parser)
    options, locust = parser.parse_known_args(shlex.split(spec["args"]))
    assert f"--expect-workers {spec['workers']} --autostart" in " ".join(locust)
    (configuration,) = yaml.safe_load((GENERATOR / "kustomization.yaml").read_text())["configMapGenerator"]
    assert configuration["name"] == spec["locustfile"]["configMap"]["name"]
    assert Path(options.scenario).name in configuration["files"]
    scenario = load_scenario(GENERATOR / Path(options.scenario).name)
    (scaler,) = of_kind("HorizontalPodAutoscaler", objects(SITE))
    names = {f"server-{place}.server.gelombang.svc.cluster.local" for place in range(scaler["spec"]["maxReplicas"])}
    assert scenario.target is not None
    assert set(scenario.target.allowed_hosts) == {options.i_own_this_target} | names
    assert options.harness_token == "${env:" + spec["env"][0]["name"] + "}"


@pytest.mark.parametrize("pod", pods(objects(SITE)), ids=lambda pod: pod["spec"]["containers"][0]["name"])
def test_a_pod_has_no_rights_a_root_it_cant_write_to_probes_and_its_secrets_by_name(pod: dict) -> None:
    spec = pod["spec"]
    (container,) = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert re.search(r":\d+\.\d+\.\d+$", container["image"])
    ports = {port["name"] for port in container["ports"]}
    assert {container[f"{probe}Probe"]["httpGet"]["port"] for probe in ("liveness", "readiness")} <= ports
    assert {"cpu", "memory"} <= set(container["resources"]["requests"])
    assert "memory" in container["resources"]["limits"]
    assert spec["terminationGracePeriodSeconds"] > container["lifecycle"]["preStop"]["sleep"]["seconds"] + 20
    for variable in container["env"]:
        looks_secret = re.search("PASSWORD|KEY|TOKEN|SECRET", variable["name"])
        assert bool(looks_secret) == ("secretKeyRef" in variable.get("valueFrom", {})), variable


def test_a_server_is_asked_what_it_answers() -> None:
    (server,) = of_kind("StatefulSet", objects(SITE))
    (container,) = server["spec"]["template"]["spec"]["containers"]
    paths = [container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "liveness", "readiness")]
    assert paths == ["/healthz", "/healthz", "/readyz"]
    given = {word.partition("=")[0]: word.partition("=")[2] for word in container["args"]}
    listening = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    ports = [given[f"--{name}"] for name in ("port", "uploads-port", "harness-port", "metrics-port")]
    assert ports == [listening[name] for name in ("people", "uploads", "metrics-phones", "metrics-uploads")]
    assert given["--uploads-url"].endswith(f".{server['spec']['serviceName']}.$(POD_NAMESPACE).svc.cluster.local:{listening['uploads']}")


def test_services_budgets_and_policies_mean_pods_and_ports_that_are_there() -> None:
    found = objects(SITE)
    labels = [pod["metadata"]["labels"] for pod in pods(found)]
    ports = {port["name"] for pod in pods(found) for port in pod["spec"]["containers"][0]["ports"]}
    selectors = [each["spec"]["selector"] for each in of_kind("Service", found)]
    selectors += [each["spec"]["selector"]["matchLabels"] for each in of_kind("PodDisruptionBudget", found)]
    policies = of_kind("NetworkPolicy", found)
    selectors += [policy["spec"]["podSelector"]["matchLabels"] for policy in policies if policy["spec"]["podSelector"]]
    assert all(selector in labels for selector in selectors), selectors
    assert {port["targetPort"] for each in of_kind("Service", found) for port in each["spec"]["ports"]} <= ports
    named = [port["port"] for policy in policies for rule in policy["spec"].get("ingress", []) for port in rule.get("ports", [])]
    assert set(named) <= ports
    (nothing,) = [policy for policy in policies if policy["spec"]["podSelector"] == {} and "Ingress" in policy["spec"]["policyTypes"]]
    assert not {"ingress", "egress"} & set(nothing["spec"])


def test_the_autoscaler_follows_a_metric_of_ours_that_the_adapter_makes() -> None:
    (scaler,) = of_kind("HorizontalPodAutoscaler", objects(SITE))
    (metric,) = scaler["spec"]["metrics"]
    (rule,) = yaml.safe_load((MONITORING / "adapter-values.yaml").read_text())["rules"]["custom"]
    assert metric["type"] == "Pods"
    assert metric["pods"]["metric"]["name"] == rule["name"]["as"]
    server = of_kind("StatefulSet", objects(SITE))[0]
    assert {scaler["spec"]["scaleTargetRef"][key] for key in ("kind", "name")} == {"StatefulSet", server["metadata"]["name"]}
    query = rule["metricsQuery"].replace("<<.GroupBy>>", "pod")
    query = query.replace("<<.LabelMatchers>>", 'namespace="gelombang",pod=~"server-0|server-1"')
    promql_parser.parse(query)
    ours = {metric.name for metric in CATALOGUE}
    used = set(re.findall(r"gelombang_[a-z_]+", rule["seriesQuery"] + query))
    assert {re.sub("_(sum|count)$", "", name) for name in used} <= ours, used


def test_the_proxy_s_file_is_understood_by_haproxy_and_knows_as_many_servers_as_there_may_be() -> None:
    variables = {"SERVERS": "server.gelombang.svc.cluster.local", "GELOMBANG_HARNESS_TOKEN": "t"}
    command = [program("haproxy", "haproxy"), "-c", "-f", str(SITE / "haproxy.cfg")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30, env={**os.environ, **variables})
    assert (done.returncode, "WARNING" in done.stderr) == (0, False), done.stderr
    (scaler,) = of_kind("HorizontalPodAutoscaler", objects(SITE))
    assert set(re.findall(r"server-template \S+ 1-(\d+) ", (SITE / "haproxy.cfg").read_text())) == {str(scaler["spec"]["maxReplicas"])}


def test_the_scrape_job_is_understood_by_prometheus(tmp_path: Path) -> None:
    path = tmp_path / "prometheus.yml"
    (job,) = yaml.safe_load((MONITORING / "scrape.yml").read_text())
    # Debian's Prometheus is built without the discovery of Kubernetes, so that part is looked at here and the rest there.
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod", "namespaces": {"names": ["gelombang"]}}]
    path.write_text(yaml.safe_dump({"scrape_configs": [job]}))
    done = subprocess.run([program("promtool"), "check", "config", str(path)], check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_for_a_cluster_has_a_secret_written_in_it() -> None:
    assert not of_kind("Secret", [*objects(SITE), *objects(GENERATOR)])
    for where, text in texts([*objects(SITE), *objects(GENERATOR), TEST]):
        assert not re.search(r"[0-9a-fA-F]{24}|://[^/\s:]*:(?!\$\{)[^/\s]*@", text), f"{where}: {text}"
