"""What lies in `deploy/`, read: the objects for a cluster as Kustomize would apply them, and the services of a compose file."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
CLUSTER = DEPLOY / "kubernetes"
Object = dict[str, Any]


def objects(folder: Path) -> list[Object]:
    """Of the resources that the folder's kustomization names. Files that it makes ConfigMaps of are in none of them."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    return [found for name in kustomization["resources"] for found in yaml.safe_load_all((folder / name).read_text())]


def built(folder: Path) -> list[Object] | None:
    """As Kustomize itself makes them; None where it isn't installed."""
    for command in (["kubectl", "kustomize"], ["kustomize", "build"]):
        if shutil.which(command[0]):
            done = subprocess.run([*command, str(folder)], check=False, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            return list(yaml.safe_load_all(done.stdout))
    return None


def of_kind(kind: str, among: list[Object]) -> list[Object]:
    return [found for found in among if found["kind"] == kind]


def pods(among: list[Object]) -> list[Object]:
    """The pod templates."""
    return [found["spec"]["template"] for found in among if "template" in found.get("spec", {})]


def texts(value: object, where: str = "") -> Iterator[tuple[str, str]]:
    """Every text below, with its place."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(item, f"{where}.{key}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from texts(item, f"{where}[{place}]")
