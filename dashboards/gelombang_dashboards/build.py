"""Writes the committed dashboard: `python -m gelombang_dashboards.build`. A test fails while the file differs from this code."""

from gelombang.resources import dashboards_folder
from gelombang_dashboards.grafana_json import dashboard_json
from gelombang_dashboards.panels import Dashboard
from gelombang_dashboards.site_rows import INSTRUMENT, MACHINE, PARTNERS, REST
from gelombang_dashboards.upload_rows import PEOPLE, STORE, UPLOADS

WHERE_UPLOADS_FAIL = Dashboard(
    uid="gelombang-uploads",
    title="Where uploads fail",
    description="Who gets through, where uploads fail, whether it is the store, and whether the generator can be believed.",
    tags=("gelombang", "uploads"),
    rows=(PEOPLE, UPLOADS, STORE, REST, PARTNERS, INSTRUMENT, MACHINE),
)


def main() -> None:
    """Rewrite the file in this checkout and say where it is."""
    path = dashboards_folder() / "grafana" / "where-uploads-fail.json"
    path.write_text(dashboard_json(WHERE_UPLOADS_FAIL), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
