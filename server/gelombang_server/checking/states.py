"""What a photo is after its acknowledgement: received; then validated, or rejected, which its state tells by the code of the reason."""

RECEIVED = "received"
VALIDATED = "validated"
