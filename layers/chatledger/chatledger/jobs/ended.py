"""What a step raises when its job is over: the workflow then stops without an alarm."""


class Ended(Exception):
    """The job has ended, was cancelled, or was told to stop: this step has nothing left to do.

    The state machines know it by this name.
    """
