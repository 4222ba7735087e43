"""Which store of photos a site has: the folder of its server, or what the profile's `[objects] url` names.

A package that only one of them needs is imported here, when it is asked for.
"""

import importlib.util
from pathlib import Path

from gelombang.errors import InputError
from gelombang.runplan import ServerPlan
from gelombang_server.config import SiteContext
from gelombang_server.photo_vault import FolderVault, PhotoVault
from gelombang_server.photofile import PhotoFiles


def open_vault(context: SiteContext, root: Path, files: PhotoFiles) -> PhotoVault:
    """The store of one process; needs a running loop. `root` is the folder of the site's photos, or of what is on its way to them."""
    objects = context.profile.objects
    if objects is None:
        return FolderVault(root, files)
    from gelombang_server.objects.address import address_of
    from gelombang_server.objects.bucket import Bucket
    from gelombang_server.objects.vault import ObjectVault

    return ObjectVault(Bucket(address_of(objects, context.plan.run), objects, context.metrics), files, root, context.session_key)


def prepare_objects(plan: ServerPlan) -> None:
    """Nothing for a folder. Raises GelombangError when the object store of the profile can't be used or reached."""
    if plan.profile.objects is None:
        return
    if importlib.util.find_spec("obstore") is None:
        raise InputError("[objects] url asks for an object store and obstore is not installed; want pip install 'gelombang[objects]'")
    from gelombang_server.objects.address import address_of, require_bucket

    require_bucket(address_of(plan.profile.objects, plan.run))
