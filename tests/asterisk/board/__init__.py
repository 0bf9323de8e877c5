"""Compares the live board of pbxd with what Asterisk itself says, while real calls go on. See ../acceptance.py."""
