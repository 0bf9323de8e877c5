"""A private Asterisk 22 or 16 with three tenants, its phones and its callers, for tests and for scripts/demo --asterisk.

Nothing here needs root, a container or a network name space; everything listens on loopback. Python 3 standard library,
SIPp and the tree of scripts/asterisk-fetch are all it needs.
"""
from .ami import Ami, Message
from .config import AGENTS, TENANTS, TRUNK_IP
from .phones import Phones
from .server import Lab, LabError

__all__ = ["AGENTS", "TENANTS", "TRUNK_IP", "Ami", "Lab", "LabError", "Message", "Phones"]
