"""What placeholders stand for beside a person's own fields and captures: rows of feeds, secrets, and values that the whole run shares."""

from collections.abc import Mapping
from pathlib import Path

from gelombang.errors import InputError
from gelombang.feed_file import FeedReader
from gelombang.feeds import Feed, FeedMode, row_of
from gelombang.scenario import Scenario
from gelombang.secrets import Secrets, look_up_secrets

FEED = "feed."


class FeedRows:
    """The feeds of a run as one process reads them. Raises InputError when a file is not the one that was checked."""

    def __init__(self, feeds: Mapping[str, Feed], seed: int, folder: Path) -> None:
        self._seed = seed
        self._feeds: dict[str, tuple[int, Feed, FeedReader]] = {}
        for number, (name, feed) in enumerate(sorted(feeds.items())):
            assert feed.content is not None, "a scenario is loaded with its feeds"
            self._feeds[name] = number, feed, FeedReader(feed.content, feed.file, folder)

    def row(self, feed: str, person: int) -> int:
        """Which row of a feed, from 0, a person has. Raises InputError for somebody whom a unique feed has none for."""
        number, described, reader = self._feeds[feed]
        if described.mode is FeedMode.UNIQUE and person >= reader.content.rows:
            raise InputError(f"{described.file} has {reader.content.rows:,} rows, and person {person} asks for one; want more rows")
        return row_of(described.mode, person, reader.content.rows, self._seed, number)

    def value(self, name: str, person: int) -> str:
        """The value of `feed.NAME.column` for a person. Raises KeyError when there is none."""
        _, feed, column = name.split(".", 2)
        return self._feeds[feed][2].row(self.row(feed, person))[column]

    def rows(self, person: int) -> dict[str, int]:
        """The person's row in each feed."""
        return {feed: self.row(feed, person) for feed in self._feeds}

    def close(self) -> None:
        """Give the files back."""
        for _, _, reader in self._feeds.values():
            reader.close()


class Beside:
    """All of them for one process."""

    def __init__(self, feeds: FeedRows | None = None, secrets: Secrets | None = None) -> None:
        self._feeds = feeds
        self.secrets = Secrets({}) if secrets is None else secrets
        self.values: dict[str, str] = {}
        """Of the whole run: what was captured before anybody arrived, and what is shared."""

    @classmethod
    def of(cls, scenario: Scenario, seed: int, folder: Path) -> "Beside":
        """What a scenario names. Raises InputError for a feed that changed, FileError for secrets that are missing."""
        secrets = look_up_secrets(scenario, f"scenario {scenario.name}")
        return cls(FeedRows(scenario.feed, seed, folder) if scenario.feed else None, secrets)

    def value(self, name: str, person: int) -> str:
        """What a placeholder stands for. Raises KeyError when it is none of these."""
        if self._feeds is not None and name.startswith(FEED):
            return self._feeds.value(name, person)
        return self.secrets[name] if name in self.secrets else self.values[name]

    @property
    def known(self) -> dict[str, str]:
        """What needs no person: secrets and the run's values."""
        return {**self.secrets, **self.values}

    def rows(self, person: int) -> dict[str, int]:
        """The person's row in each feed."""
        return {} if self._feeds is None else self._feeds.rows(person)

    def close(self) -> None:
        """Give the files back."""
        if self._feeds is not None:
            self._feeds.close()
