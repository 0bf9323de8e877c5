"""What comes about in its own time."""
import time


def soon(condition, what, seconds=10.0, failure=AssertionError):
    """What the condition answers once that is true; `failure` when it has not become so within so many seconds. What has taken long is asked for more seldom: each
    question costs the machine that others are tested on."""
    began = time.monotonic()
    while not (found := condition()):
        waited = time.monotonic() - began
        if waited > seconds:
            raise failure(f"not within {seconds} s: {what}")
        time.sleep(min(max(0.03, waited / 20), 0.25))
    return found
