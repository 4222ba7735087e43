"""What the process that walks one person is told, as a file in the trial's folder."""

from pydantic import BaseModel, ConfigDict, Field

from gelombang.runplan import RunPlan
from gelombang.scale import FixedInt

TRIAL_FILE = "trial.json"


class TrialOrder(BaseModel):
    """One person, one journey."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    plan: RunPlan
    person: FixedInt = Field(ge=0)
    until: str | None
    """The step to stop after, once it has passed; None walks to the end."""
    until_number: FixedInt | None = None
    """Also when it has not passed at this try; for a replay."""
    keep: str | None
    """Folder for the bodies that are no short text, such as photos."""
    show_captures: bool
