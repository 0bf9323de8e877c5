"""What comes about in its own time."""
import time


def soon(condition, what, seconds=10.0, failure=AssertionError, slowest=0.1):
    """What the condition answers once that is true; `failure` when it has not become so within so many seconds. What has taken long is asked for more seldom, at
    last every `slowest` seconds: each question costs the machine that others are tested on. More than 0.1 only for what stays once it is there."""
    began = time.monotonic()
    while not (found := condition()):
        waited = time.monotonic() - began
        if waited > seconds:
            raise failure(f"not within {seconds} s: {what}")
        time.sleep(min(max(0.03, waited / 20), slowest))
    return found
