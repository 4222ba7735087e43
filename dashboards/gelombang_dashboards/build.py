"""Writes the committed dashboards: `python -m gelombang_dashboards.build`. A test fails while a file differs from this code."""

from gelombang.panels.catalogue import PAGES
from gelombang.resources import dashboards_folder
from gelombang_dashboards.grafana_json import dashboard_json


def main() -> None:
    """Rewrite the files in this checkout and say where they are."""
    for page in PAGES:
        path = dashboards_folder() / "grafana" / f"{page.file}.json"
        path.write_text(dashboard_json(page), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
