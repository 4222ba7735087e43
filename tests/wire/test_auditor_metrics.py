"""What a site says of its auditor is what that wrote last."""

from pathlib import Path

from gelombang_server.auditing.figures import FIGURES_FILE, Figures, FiguresWriter
from tests.wire.serversite import Site, plan, profile, serving


def value(site: Site, name: str, **labels: str) -> float | None:
    return site.context.metrics.registry.get_sample_value(f"gelombang_server_{name}", labels)


async def test_a_site_whose_photos_are_kept_within_a_bound_says_what_its_auditor_wrote(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"), keep_bytes=1_000_000)) as site:
        assert value(site, "photo_audit_limit_bytes") is None, "no auditor has looked yet"
        writer = FiguresWriter(site.context.site / FIGURES_FILE)
        writer.write(Figures(0, right=3, wrong=1, unreadable=0, removed_bytes=12_288, kept_bytes=4_096, due_bytes=0, limit_bytes=1_000_000))
        writer.close()
        assert value(site, "photo_audits_total", finding="right") == 3
        assert value(site, "photo_audits_total", finding="wrong") == 1
        assert value(site, "photo_audit_kept_bytes") == 4_096
        assert value(site, "photo_audit_limit_bytes") == 1_000_000
