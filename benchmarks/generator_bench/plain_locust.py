"""The same person as a plain Locust file: what FastHttpUser costs. `PEOPLE` of them in all, each on a connection of their own."""

import os

import gevent
from locust import FastHttpUser, constant, events, task

PEOPLE = int(os.environ["PEOPLE"])
PHOTO = b"\xff\xd8" + bytes(59_996) + b"\xff\xd9"

began = ended = 0


class Person(FastHttpUser):
    wait_time = constant(0)
    insecure = True

    @task
    def journey(self) -> None:
        global began, ended  # noqa: PLW0603
        if began >= PEOPLE:
            self.stop(force=True)
        began += 1
        mark = began
        for i in range(12):
            if i % 2:
                self.client.get(f"/api/v1/things/{i}", name=f"look-{i}")
            else:
                body = {"name": "Ombak Samudera", "email": f"pendaftar.{mark}@warga.example", "password": "0123456789abcdef"}
                self.client.post(f"/api/v1/things/{i}", name=f"say-{i}", json=body)
        for kind in ("ktp", "selfie"):
            self.client.post(f"/api/v1/photos/{kind}", name=kind, files={"photo": (f"{kind}.jpg", PHOTO, "image/jpeg")})
        self.client.client.close()
        ended += 1
        if ended == PEOPLE:
            gevent.spawn(self.environment.runner.quit)  # beside: quitting ends this user too


@events.quitting.add_listener
def whole(environment: object, **_: object) -> None:
    environment.process_exit_code = 0 if ended == PEOPLE and not environment.stats.total.num_failures else 1  # type: ignore[attr-defined]
