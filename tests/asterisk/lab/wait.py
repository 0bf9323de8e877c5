"""What comes about in its own time."""
import time


def soon(condition, what, seconds=10.0, failure=AssertionError):
    """What the condition answers once that is true; `failure` when it has not become so within so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise failure(f"not within {seconds} s: {what}")
        time.sleep(0.03)
    return found
