"""Sets off the faults of a drill: at its moment, a setting of this process's site becomes another one.

What reads its setting at each use (the photo limit, the time within which an upload is answered) needs nothing more; what keeps it is
told through `SiteContext.when_changed`.
"""

import asyncio
from typing import Never

from gelombang.rehearsed_fault import FaultSetting, changed
from gelombang.scale import scaled
from gelombang_server.config import SiteContext, shared


async def rehearse(context: SiteContext) -> Never:
    """Runs for ever: each fault of the plan in its time."""
    profile = context.plan.profile
    for fault in sorted(context.plan.faults, key=lambda fault: fault.at_seconds):
        await asyncio.sleep(max(0.0, fault.at_seconds - context.now_us() / 1e6))
        if fault.setting is FaultSetting.SYNC_DELAY:
            context.sync_delay_seconds = fault.value
        if fault.setting is FaultSetting.SYNC_FAILS:
            context.sync_fails = bool(fault.value)
        profile = changed(profile, fault)
        context.profile = shared(scaled(profile, context.scale))
        for tell in context.when_changed:
            tell()
    while True:
        await asyncio.Event().wait()
