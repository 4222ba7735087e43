"""A feed of a million rows over three processes, one of which is killed on the way: no row is used twice."""

import subprocess
import sys
from pathlib import Path

import pytest

ROWS = 1_000_000

WALK = """
import sys
from pathlib import Path
from gelombang.feed_file import FeedReader, scan_feed
from gelombang.feeds import FeedMode, row_of
path, process = Path(sys.argv[1]), int(sys.argv[2])
content = scan_feed(path, path.name)
reader = FeedReader(content, path.name, path.parent)
for person in range(process, content.rows, 3 * 10):
    row = row_of(FeedMode.UNIQUE, person, content.rows, 1, 0)
    print(reader.row(row)["email"], flush=True)
"""


@pytest.mark.system
@pytest.mark.timeout(240)
def test_no_row_is_used_twice_when_one_of_three_processes_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    with path.open("w") as file:
        file.write("email,phone\n")
        file.writelines(f"akun-{i}@warga.example,+62000{i:08d}\n" for i in range(ROWS))
    walks = [
        subprocess.Popen([sys.executable, "-c", WALK, str(path), str(k)], stdout=subprocess.PIPE, text=True, pipesize=4096)
        for k in range(3)
    ]
    killed = walks[1]
    assert killed.stdout is not None
    used = [killed.stdout.readline() for _ in range(1_000)]
    killed.kill()
    # A line that was cut by the end is no row that anybody had.
    used += [line for line in killed.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    killed.stdout.close()
    assert killed.wait() != 0
    assert 1_000 <= len(used) < 30_000
    for walk in (walks[0], walks[2]):
        lines = walk.communicate()[0].splitlines(keepends=True)
        assert walk.returncode == 0
        assert len(lines) > 30_000
        used += lines
    assert len(set(used)) == len(used)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["accounts.csv"]
