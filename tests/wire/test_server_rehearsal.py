"""The faults of a drill: from its moment on a number of the site is another one, and without a drill nothing changes."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from gelombang.profile import Profile
from gelombang.rehearsed_fault import OF_THE_DISK, FaultSetting, RehearsedFault, changed
from gelombang_server.config import SiteContext
from gelombang_server.rehearsal import rehearse
from tests.support.upload_site import UploadSite, jpeg, until, upload_site
from tests.wire.serversite import Site, plan, profile, serving

HARDENED = profile("hardened")


def fault(setting: FaultSetting, value: float, at_seconds: float = 0.0) -> RehearsedFault:
    return RehearsedFault(setting=setting, at_seconds=at_seconds, value=value)


def test_a_fault_changes_one_number_of_the_profile_and_those_of_the_disk_none() -> None:
    small = changed(HARDENED, fault(FaultSetting.PHOTO_LIMIT, 1_048_576))
    assert small.uploads.photo_limit_bytes == 1_048_576
    assert small.model_copy(update={"uploads": HARDENED.uploads}) == HARDENED
    assert all(changed(HARDENED, fault(setting, 1)) is HARDENED for setting in OF_THE_DISK)


@pytest.mark.parametrize("setting", sorted(set(FaultSetting) - OF_THE_DISK))
def test_every_setting_is_a_number_that_the_profile_has(setting: FaultSetting) -> None:
    table, _, name = setting.partition(".")
    after = changed(HARDENED, fault(setting, 7))
    assert getattr(getattr(after, table), name) == 7


async def test_each_fault_comes_in_its_time_and_everybody_who_keeps_the_setting_is_told(tmp_path: Path) -> None:
    faults = [
        fault(FaultSetting.REGISTRY_RATE, 1.0),
        fault(FaultSetting.STORE_CAPACITY, 6e9),
        fault(FaultSetting.BACKLOG, 3),
        fault(FaultSetting.SYNC_DELAY, 0.5),
        fault(FaultSetting.ANSWER_WITHIN, 6.0, at_seconds=1e9),
    ]
    own = profile("april-2020")
    async with serving(plan(tmp_path, own, faults=faults)) as site:
        before = site.context.profile.uploads.answer_within_seconds
        await until(lambda: site.context.sync_delay_seconds == 0.5)
        assert site.sample("registry_limit_per_second") == pytest.approx(1.0 * 60 / 50)
        assert site.sample("store_capacity_bytes") == pytest.approx(6e9 * 0.1 / 50)
        assert site.sample("accept_queue_limit", listener="public") == 3
        assert site.context.profile.uploads.answer_within_seconds == before, "its time has not come"
        await asyncio.wait_for(_answers(site), 10)


async def _answers(site: Site) -> None:
    assert (await site.ask("GET", "/api/v1/health"))[0] in (200, 404)


async def test_without_faults_the_site_is_as_its_profile_says(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("april-2020"))) as site:
        assert site.sample("accept_queue_limit", listener="public") == 4_096
        assert site.context.sync_delay_seconds == 0.0


async def test_a_store_that_was_made_small_refuses_and_a_sync_that_is_delayed_takes_that_long(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "april-2020", store={"bandwidth_bytes_per_second": 1e9, "latency_seconds": 0.0}) as site:
        assert (await _post(site, 1))[0] == 201
        site.context.sync_delay_seconds = 0.05
        assert (await _post(site, 2))[0] == 201
        assert (site.metric("sync_seconds_sum", target="file") or 0) >= 0.05
        site.keeper.store.resize(100)
        status, answer = await _post(site, 3)
        assert (status, answer["code"]) == (503, "store_full")


async def _post(site: UploadSite, person: int) -> tuple[int, dict]:
    return await site.post(person, jpeg(5_000, person))


async def test_a_disk_that_loses_writes_is_told_by_name_and_trusted_again_when_the_drill_is_over(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened") as site:
        site.context.sync_fails = True
        status, problem = await site.send(1, jpeg(2_000))
        assert (status, problem["code"]) == (503, "sync_failed")
        assert site.rows() == []
        site.context.sync_fails = False
        assert (await site.send(1, jpeg(3_000), number=2))[0] == 201


async def test_of_several_upload_processes_each_still_has_its_share_of_the_store_after_a_fault(tmp_path: Path) -> None:
    uploads = HARDENED.uploads.model_dump(exclude_none=True) | {"processes": 3}
    faults = [fault(FaultSetting.STORE_CAPACITY, 9e9)]
    order = plan(tmp_path, profile("hardened", uploads=uploads), faults=faults)
    context = SimpleNamespace(plan=order, profile=None, scale=order.scale.scale(), now_us=lambda: 0)
    came = asyncio.Event()
    context.when_changed = [came.set]
    rehearsal = asyncio.create_task(rehearse(cast(SiteContext, context)))
    await came.wait()
    rehearsal.cancel()
    assert cast(Profile, context.profile).modelled_store.capacity_bytes == round(9e9 * 0.1 / 50) // 3
