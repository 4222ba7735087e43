"""From `received` to `validated` or `rejected`: after the acknowledgement, across restarts, and back to the person."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gelombang.attempt import Code
from gelombang_server.checking.decoder import PHOTOS_AT_ONCE, Decoder
from tests.support.upload_site import until
from tests.unit.test_check_photo import SOUND, with_broken_tables
from wire.serversite import Site, plan, profile, serving

STORE = {"latency_seconds": 0.0, "bandwidth_bytes_per_second": 1e12}


def site_profile(**uploads: Any) -> Any:
    return profile("hardened", store=STORE, uploads={"own_process": False, **uploads})


async def send(site: Site, session: str, photo: bytes, kind: str = "ktp") -> tuple[int, Any]:
    """Ask and put; the answer of whichever did not grant."""
    site.context.uploads_url = site.url
    wish = {"kind": kind, "bytes": len(photo), "sha256": hashlib.sha256(photo).hexdigest()}
    status, answer = await site.ask("POST", "/api/v1/me/tickets", wish, session)
    if status != 201:
        return status, answer
    async with site.client.put(answer["url"], data=photo, headers={"Content-Type": "image/jpeg"}) as put:
        return put.status, await put.json(content_type=None)


def verdicts(site: Site) -> list[str]:
    return [verdict for (verdict,) in site.execute("SELECT verdict FROM photo_checks ORDER BY verdict")]


async def test_a_photo_that_can_not_be_decoded_is_acknowledged_then_rejected_and_sent_again(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, site_profile())) as site:
        session, broken = await site.sign_up(), with_broken_tables()
        assert (await send(site, session, broken))[0] == 201
        assert (await send(site, session, SOUND, "selfie"))[0] == 201
        await until(lambda: len(verdicts(site)) == 2, within_seconds=60)
        _, me = await site.ask("GET", "/api/v1/me", session=session)
        assert me["photos"] == {"ktp": "rejected", "selfie": "validated"}
        assert me["send_again"] == {"ktp": "photo_undecodable"}
        assert (me["steps"]["ktp"], me["steps"]["selfie"]) == (False, True)
        _, page = await site.ask("GET", "/api/v1/me/uploads", session=session)
        assert (page["stored"], page["send_again"]) == (["selfie"], {"ktp": "photo_undecodable"})
        status, problem = await send(site, session, broken)
        assert (status, problem["code"]) == (422, "photo_undecodable"), "the same file again is not taken again"
        assert (await send(site, session, SOUND))[0] == 201
        await until(lambda: len(verdicts(site)) == 3, within_seconds=60)
        _, me = await site.ask("GET", "/api/v1/me", session=session)
        assert (me["photos"], me["send_again"]) == ({"ktp": "validated", "selfie": "validated"}, {})
        await until(lambda: site.sample("photo_checks_total", verdict="validated") == 2)
        assert site.sample("photo_checks_total", verdict="photo_undecodable") == 1
        assert await site.level("photo_checks_waiting") == 0


async def test_photos_that_nobody_checked_before_a_restart_are_checked_after_it(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, site_profile(checks=None))) as site:
        session = await site.sign_up()
        assert (await send(site, session, SOUND))[0] == 201
        assert (await site.ask("GET", "/api/v1/me", session=session))[1]["photos"] == {"ktp": "received"}
    (tmp_path / "ledger-server-0.bin").unlink()
    async with serving(plan(tmp_path, site_profile())) as site:
        await until(lambda: verdicts(site) == ["validated"], within_seconds=60)


async def test_a_photo_that_takes_too_much_cpu_is_undecodable_and_the_next_one_is_checked(tmp_path: Path) -> None:
    large, small = tmp_path / "large.jpg", tmp_path / "small.jpg"
    Image.new("RGB", (4_000, 4_000)).save(large, "JPEG")
    small.write_bytes(SOUND)
    hurried = Decoder(25_000_000, 0.01)
    try:
        assert await hurried.check([large]) == [Code.PHOTO_UNDECODABLE]
        patient = Decoder(25_000_000, 60.0)
        assert await patient.check([large]) == [Code.NONE]
        assert await patient.check([small]) == [Code.NONE]
        await patient.close()
    finally:
        await hurried.close()


async def test_of_photos_that_are_handed_over_together_only_the_one_that_ends_the_process_suffers(tmp_path: Path) -> None:
    sound, broken, deadly = tmp_path / "sound.jpg", tmp_path / "broken.jpg", tmp_path / "not-there.jpg"
    sound.write_bytes(SOUND)
    broken.write_bytes(with_broken_tables())
    decoder = Decoder(25_000_000, 60.0)
    good, bad = Code.NONE, Code.PHOTO_UNDECODABLE
    try:
        assert await decoder.check([deadly, sound, broken, deadly, deadly, sound, deadly]) == [bad, good, bad, bad, bad, good, bad]
        assert await decoder.check([sound] * PHOTOS_AT_ONCE) == [good] * PHOTOS_AT_ONCE
    finally:
        await decoder.close()


async def test_photos_that_wait_are_handed_over_several_at_a_time_and_each_has_its_own_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, together = PHOTOS_AT_ONCE + 3, []
    check = Decoder.check

    async def watched(decoder: Decoder, paths: Sequence[Path]) -> list[Code]:
        together.append(len(paths))
        return await check(decoder, paths)

    monkeypatch.setattr(Decoder, "check", watched)
    async with serving(plan(tmp_path, site_profile(checks=None))) as site:
        for number in range(people):
            session = await site.sign_up(f"siti-{number}")
            assert (await send(site, session, with_broken_tables() if number == 5 else SOUND))[0] == 201
    (tmp_path / "ledger-server-0.bin").unlink()
    async with serving(plan(tmp_path, site_profile())) as site:
        await until(lambda: len(verdicts(site)) == people, within_seconds=60)
        rows = site.execute("SELECT verdict FROM photos JOIN photo_checks ON photo = id ORDER BY photos.rowid")
    assert [number for number, (verdict,) in enumerate(rows) if verdict != "validated"] == [5]
    assert [each for each in together if each] == [PHOTOS_AT_ONCE, 3]


async def test_a_decoder_that_somebody_killed_is_started_again_and_the_photo_does_not_suffer(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(SOUND)
    decoder = Decoder(1_000_000, 60.0)
    try:
        assert await decoder.check([photo]) == [Code.NONE]
        assert decoder._process is not None
        decoder._process.kill()
        await decoder._process.wait()
        assert await decoder.check([photo]) == [Code.NONE]
    finally:
        await decoder.close()
