"""The templates for build servers: what such a server would refuse, and what a template must never do."""

import shlex
from pathlib import Path

import yaml

CI = Path(__file__).parents[2] / "deploy" / "ci"


def read(name: str) -> dict[str, object]:
    found = yaml.safe_load((CI / name).read_text())
    assert isinstance(found, dict)
    return found


def part(of: object, *keys: str | int) -> object:
    for key in keys:
        assert isinstance(of, dict | list)
        of = of[key]  # type: ignore[call-overload]
    return of


def steps() -> list[dict[str, object]]:
    found = part(read("github/action.yml"), "runs", "steps")
    assert isinstance(found, list)
    return found


def test_the_composite_action_has_what_github_asks_of_one() -> None:
    action = read("github/action.yml")
    assert {"name", "description", "inputs", "runs"} <= action.keys()
    assert part(action, "runs", "using") == "composite"
    for step in steps():
        assert step["shell"] == "bash", step
        assert str(step["run"]).startswith("set -euo pipefail\n"), step


def test_no_input_of_the_action_is_pasted_into_a_script() -> None:
    """`${{ }}` inside `run` is how a branch name becomes a command; values come through the environment only."""
    assert all("${{" not in str(step["run"]) for step in steps())


def test_the_action_comments_only_on_pull_requests_of_its_own_repository_and_needs_no_secret() -> None:
    text = (CI / "github" / "action.yml").read_text()
    assert "secrets." not in text
    (comment,) = [step for step in steps() if step["name"] == "comment"]
    assert "head.repo.full_name == github.repository" in str(comment["if"])


def test_every_input_of_the_action_is_read_and_every_one_that_is_read_is_declared() -> None:
    text = (CI / "github" / "action.yml").read_text()
    declared = part(read("github/action.yml"), "inputs")
    assert isinstance(declared, dict)
    read_ones = {word.partition("inputs.")[2].split()[0].rstrip("}") for word in text.split("${{") if "inputs." in word}
    assert read_ones == set(declared)


def test_the_gitlab_job_keeps_its_report_whatever_the_verdict_and_fetches_the_whole_history() -> None:
    job = part(read("gitlab/gate.yml"), "gelombang-gate")
    assert part(job, "artifacts", "when") == "always"
    assert part(job, "artifacts", "reports", "junit") == "gate/gate.xml"
    assert part(job, "variables", "GIT_DEPTH") == "0"


def test_the_shell_template_keeps_the_gates_exit_code() -> None:
    text = (CI / "gate.sh").read_text()
    assert "set -euo pipefail" in text
    assert 'exit "$code"' in text
    assert shlex.split(text, comments=True)
