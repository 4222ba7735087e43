"""`gelombang run` and `gelombang verify` with the site's photos in an object store of the test's own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import obstore
import pytest

from gelombang.profile_objects import Objects
from gelombang_server.objects.address import address_of
from gelombang_server.objects.shelf import ObjectShelf
from tests.support.object_store import KEYS, object_store

COMMAND = [sys.executable, "-m", "gelombang_cli"]

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]


def command(folder: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **variables}
    return subprocess.run([*COMMAND, *words], cwd=folder, capture_output=True, text=True, timeout=110, check=False, env=environment)


def test_a_run_keeps_every_photo_in_the_object_store_and_verify_reads_all_of_them_back(tmp_path: Path) -> None:
    with object_store() as store:
        words = ["run", "smoke", "--profile", "hardened", "--for", "300", "--sample", "1/40", "--out", "A"]
        done = command(tmp_path, *words, "--objects", store.url("run"), **KEYS)
        assert done.returncode in (0, 1, 3), done.stdout + done.stderr  # 3: a busy machine; what was kept is looked at all the same
        assert not list((tmp_path / "A" / "site" / "photos").rglob("*.jpg"))
        for path in (tmp_path / "A").glob("*.json"):
            assert KEYS["AWS_SECRET_ACCESS_KEY"] not in path.read_text(), path
        audit = json.loads((tmp_path / "A" / "audit.json").read_text())
        assert audit["acknowledged"] == audit["found"] > 0
        verified = command(tmp_path, "verify", "A", **KEYS)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert f"0 lost of {audit['acknowledged']} acknowledged photos; 0 unexplained" in verified.stdout
        bucket = address_of(Objects(url=store.url("run")), 1, KEYS)
        name = min(ObjectShelf(bucket).names())
        obstore.put(bucket.store, f"photos/{name}", b"damaged")
        damaged = command(tmp_path, "verify", "A", **KEYS)
        assert damaged.returncode == 1, damaged.stdout + damaged.stderr
        assert f"stored and not whole: {name}" in damaged.stdout
    gone = command(tmp_path, "verify", "A", **KEYS)
    assert (gone.returncode, gone.stdout) == (4, ""), "nobody can say what is stored"
    assert "want a running object store" in gone.stderr


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("s3://photos/x?endpoint=http://127.0.0.1:1", 4, "nobody answers for the bucket photos at http://127.0.0.1:1"),
        ("s3://ani:rahasia@photos/x", 2, "want s3://BUCKET/PREFIX"),
        ("http://127.0.0.1/photos", 2, "want s3://BUCKET/PREFIX"),
    ],
)
def test_a_store_that_cant_be_used_is_one_sentence_and_an_exit_code(tmp_path: Path, url: str, code: int, said: str) -> None:
    done = command(tmp_path, "serve", "--port", "0", "--harness-port", "0", "--out", "A", "--objects", url, **KEYS)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "rahasia" not in done.stderr
    assert "Traceback" not in done.stderr
