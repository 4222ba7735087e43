"""Where the person stands and what comes next; personal data; the phone and its code."""

from dataclasses import dataclass

from aiohttp import web

from gelombang.steps import PhotoKind
from gelombang_server.applicants import Applicant, find_applicant
from gelombang_server.config import CONTEXT
from gelombang_server.data import PersonalData, hand_in_data
from gelombang_server.otp import OneTimeCode, Phone, check_code, post_code
from gelombang_server.pages.answer import PageAnswer
from gelombang_server.pages.drawing import draw_page, go_to, words
from gelombang_server.pages.forms import checked, digits, draw_form, read_form, shown
from gelombang_server.pages.visitor import Visitor
from gelombang_server.problem import Problem


@dataclass(frozen=True, slots=True)
class Stop:
    """One line of the way: `state` is done, next, waiting, again or later."""

    name: str
    state: str
    path: str
    note: str = ""


def way(applicant: Applicant, notes: dict[str, str], has_done_test: bool) -> list[Stop]:
    """The steps as the person sees them. The first one that is theirs to do is `next`; `notes` says why a photo has to be sent again."""
    verified = applicant.nik_state == "verified"
    stops: list[Stop] = []
    states = {
        "email": ("done" if applicant.email_verified else "open", "/status"),
        "data": ("done" if applicant.nik is not None and applicant.nik_state != "unknown" else "open", "/data"),
        "phone": ("done" if applicant.phone_verified else "open", "/ponsel"),
        "ktp": ("done" if PhotoKind.KTP in applicant.photos else "open", "/foto/ktp"),
        "selfie": ("done" if PhotoKind.SELFIE in applicant.photos else "open", "/foto/selfie"),
        "nik": ("done" if verified else "waiting" if applicant.nik_state == "being_checked" else "later", "/status"),
        "test": ("done" if has_done_test else "open" if applicant.may_take_test else "later", "/tes"),
        "wave": ("done" if applicant.joined_wave is not None else "open" if has_done_test else "later", "/gelombang"),
    }
    is_found = False
    for name, (state, path) in states.items():
        shown_state = state
        if state == "open":
            again = name in applicant.rejected_photos or (name == "data" and applicant.nik_state == "unknown")
            shown_state = "later" if is_found else "again" if again else "next"
            is_found = True
        stops.append(Stop(name, shown_state, path, notes.get(name, "")))
    return stops


async def asker(request: web.Request, visitor: Visitor) -> Applicant:
    """Who asks. Raises Problem(session_missing, session_invalid)."""
    applicant_id = visitor.require()
    return await request.app[CONTEXT].database.read(lambda cursor: find_applicant(cursor, applicant_id))


@shown
async def status_page(request: web.Request, visitor: Visitor) -> PageAnswer:
    """GET /status"""
    applicant, context = await asker(request, visitor), request.app[CONTEXT]
    w = words(visitor.language)
    notes = {kind: w.get(f"code_{code}", w["code_other"]) for kind, code in applicant.rejected_photos.items()}
    if applicant.nik_state == "unknown":
        notes["data"] = w["nik_unknown"]
    stops = way(applicant, notes, applicant.has_done_test(context.profile.test, context.now_us()))
    following = next((stop for stop in stops if stop.state in ("next", "again")), None)
    done = sum(stop.state == "done" for stop in stops)
    return draw_page(request, visitor, "status", email=applicant.email, stops=stops, following=following, done=done)


@shown
async def data_page(request: web.Request, visitor: Visitor) -> PageAnswer:
    """GET /data"""
    await asker(request, visitor)
    return draw_form(request, visitor, "data", fields={})


@shown
async def hand_in(request: web.Request, visitor: Visitor) -> PageAnswer:
    """POST /data"""
    applicant_id = visitor.require()
    form = await read_form(request, visitor)
    nik, kk = digits(form.get("nik", "")), digits(form.get("kk", ""))
    typed = {"nik": nik, "kk": kk, "birth_date": form.get("birth_date", ""), "address": form.get("address", "").strip()}
    try:
        fields = checked(PersonalData, **{**typed, "kk": kk or None})
        await hand_in_data(request, applicant_id, fields)
    except Problem as problem:
        draw_form(request, visitor, "data", problem, fields=typed)
        raise
    return go_to(request, visitor, "/ponsel")


@shown
async def phone_page(request: web.Request, visitor: Visitor) -> PageAnswer:
    """GET /ponsel"""
    applicant = await asker(request, visitor)
    if applicant.phone_verified:
        return go_to(request, visitor, "/status")
    return draw_form(request, visitor, "phone", phone="", is_sent="kode" in request.query)


@shown
async def send_to_phone(request: web.Request, visitor: Visitor) -> PageAnswer:
    """POST /ponsel"""
    applicant_id = visitor.require()
    typed = (await read_form(request, visitor)).get("phone", "").strip()
    try:
        await post_code(request, applicant_id, checked(Phone, phone=international(typed)))
    except Problem as problem:
        draw_form(request, visitor, "phone", problem, phone=typed, is_sent=False)
        raise
    return go_to(request, visitor, "/ponsel?kode")


@shown
async def confirm_phone(request: web.Request, visitor: Visitor) -> PageAnswer:
    """POST /ponsel/kode"""
    applicant_id = visitor.require()
    form = await read_form(request, visitor)
    try:
        await check_code(request, applicant_id, checked(OneTimeCode, code=digits(form.get("code", ""))).code)
    except Problem as problem:
        draw_form(request, visitor, "phone", problem, phone="", is_sent=True)
        raise
    return go_to(request, visitor, "/status")


def international(phone: str) -> str:
    """A number as people write it (0001-3456-7890), with its country."""
    plain = "".join(one for one in phone if one not in " -().")
    return f"+62{plain[1:]}" if plain.startswith("0") else plain
