"""Writes the configuration of one lab from the templates in templates/ (see the README there)."""
import os
import re

TENANTS = ("viatalk", "hostrocket", "dotblock")
AGENTS = (101, 102, 103)
TRUNK_IP = {tenant: f"127.0.0.{11 + i}" for i, tenant in enumerate(TENANTS)}
REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
TEMPLATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "templates")

# Modules complain when these are missing; empty is what we want of them.
EMPTY = {"acl.conf": "", "ccss.conf": "[general]\n", "cli_aliases.conf": "", "extconfig.conf": "[settings]\n",
         "pjproject.conf": "[startup]\n", "sorcery.conf": "", "udptl.conf": "[general]\n", "queuerules.conf": ""}

_NAME = re.compile(r"@([A-Z][A-Z_]*)@")


def render(text, version, values):
    """One template: keeps the lines of this version, replaces @NAME@. KeyError names an unknown one."""
    lines = []
    for line in text.splitlines():
        mark = re.match(r"@(16|22)@ (.*)", line)
        if mark:
            if int(mark[1]) != version:
                continue
            line = mark[2]
        lines.append(_NAME.sub(lambda m: str(values[m[1]]), line))
    return "\n".join(lines) + "\n"


def tenant_values(tenant):
    return {"TENANT": tenant, "TENANT_TITLE": tenant.title(), "TRUNK_IP": TRUNK_IP[tenant]}


def render_all(version, values, templates=TEMPLATES):
    """{file name: text} of everything but modules.conf."""
    def read(name):
        with open(os.path.join(templates, name), encoding="utf-8") as f:
            return f.read()

    names = sorted(os.listdir(templates))
    files = dict(EMPTY)
    for name in names:
        if not name.endswith(".conf") or name.count(".") != 1 or (name == "sip.conf" and version != 16):
            continue
        files[name] = render(read(name), version, values)
        stem = name.removesuffix(".conf")
        for tenant in TENANTS:
            ours = values | tenant_values(tenant)
            if f"{stem}.tenant.conf" in names:
                files[name] += render(read(f"{stem}.tenant.conf"), version, ours)
            if f"{stem}.agent.conf" in names:
                for agent in AGENTS:
                    files[name] += render(read(f"{stem}.agent.conf"), version,
                                          ours | {"AGENT": agent, "AGENT_NAME": f"{tenant} {agent}"})
    return files


def modules_conf(available, templates=TEMPLATES):
    """modules.conf for the modules (names without .so) that this Asterisk has."""
    lines = ["[modules]", "autoload = no"]
    with open(os.path.join(templates, "modules.list"), encoding="utf-8") as f:
        for name in f.read().split("\n"):
            if not name or name.startswith("#"):
                continue
            required = name.startswith("!")
            name = name.removeprefix("!")
            if name in available:
                lines.append(f"{'require' if required else 'load'} = {name}.so")
            elif required:
                raise FileNotFoundError(f"this Asterisk has no module {name}.so")
    return "\n".join(lines) + "\n"


def write_private(path, text):
    """For files with secrets: 0600 from the first moment."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
        os.fchmod(f.fileno(), 0o600)
        f.write(text)


def write_all(folder, version, values, available_modules):
    os.makedirs(folder, exist_ok=True)
    for name, text in render_all(version, values).items():
        write_private(os.path.join(folder, name), text)
    write_private(os.path.join(folder, "modules.conf"), modules_conf(available_modules))
