"""One visit of one person of your own Locust code: `on_start`, so many tasks as Locust picks them, `on_stop`.

Locust's users go on for ever: whoever finishes a task begins the next one. A person who arrives comes for something and leaves. So a visit
is a number of tasks, picked by Locust's own rules (weights, order of a SequentialTaskSet, nested sets), with Locust's own waits between
them and none after the last. Only the count is ours: which task comes next, Locust decides.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from gevent import GreenletExit
from locust.exception import StopTest, StopUser
from locust.user.task import LOCUST_STATE_RUNNING, DefaultTaskSet, TaskSet
from locust.user.users import User

TASKS_LIMIT = 60_000
"""Tasks of one person: the ledger numbers tries at a step with 16 bits."""

_log = logging.getLogger(__name__)


class _OverError(StopUser):  # type: ignore[misc]  # Locust has no types
    """The person has done what they came for."""


def different_tasks(tasks: Sequence[Any]) -> int:
    """How many different functions the tasks of a user are, those of nested sets counted one by one."""
    return sum(different_tasks(task.tasks) if _is_set(task) else 1 for task in dict.fromkeys(tasks))


def live(user: User, tasks: int) -> bool:
    """Walk one person through their visit; whether they stayed to its end. Blocks the calling greenlet.

    Like Locust, it lets no exception of the body out: one in `on_start` ends the visit, one in a task ends that task.
    """
    assert 0 < tasks <= TASKS_LIMIT
    left = _Left(tasks)
    root = DefaultTaskSet(user)
    left.bound(root)
    user._state = LOCUST_STATE_RUNNING
    user._taskset_instance = root
    try:
        user.on_start()
        root.run()
    except _OverError:
        user.on_stop()
        return True
    except (StopUser, StopTest):
        user.on_stop()
    except GreenletExit:
        user.on_stop()
        raise
    except Exception as error:
        user.environment.events.user_error.fire(user_instance=user, exception=error, tb=error.__traceback__)
        _log.exception("on_start of %s failed", type(user).__name__)
    return False


class _Left:
    """How many tasks a person has still to do, over all sets that they are in."""

    def __init__(self, tasks: int) -> None:
        self._tasks = tasks

    def bound(self, taskset: TaskSet) -> None:
        """Make a set end the visit when nothing is left, and not wait after the last task. Locust asks a set for each of these by name."""
        pick, wait = taskset.get_next_task, taskset.wait

        def picked() -> Any:
            if not self._tasks:
                raise _OverError
            task = pick()
            if not _is_set(task):
                self._tasks -= 1
            return task

        def waited() -> None:
            if self._tasks or taskset._task_queue:
                wait()

        taskset.get_next_task, taskset.wait = picked, waited
        taskset.execute_task = self._executing(taskset, taskset.execute_task)

    def _executing(self, taskset: TaskSet, execute: Callable[[Any], None]) -> Callable[[Any], None]:
        def executed(task: Any) -> None:
            if not _is_set(task):
                execute(task)
                return
            nested = task(taskset.user if isinstance(taskset, DefaultTaskSet) else taskset)
            self.bound(nested)
            nested.run()

        return executed


def _is_set(task: Any) -> bool:
    return isinstance(task, type) and issubclass(task, TaskSet)
