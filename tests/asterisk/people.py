"""What people do with their telephones on a site of dialplan.py, for tests that share it."""
from lab.softphone import Softphone
from render import number


class Asking:
    """What a caller who asks to be called back does and hears."""

    def call(self, caller, headers="", to="0100"):
        since = self.ami.mark()
        call = self.provider.call(number("viatalk", to), caller, headers)
        self.addCleanup(call.hangup)
        new = self.event("Newchannel", since=since)
        return call, new.get("Uniqueid"), since

    def variable(self, since, uniqueid, name, value=None, within=10):
        return self.event("VarSet", since=since, within=within, Uniqueid=uniqueid, Variable=name, **({"Value": value} if value is not None else {}))

    def reading(self, since, uniqueid, prompt):
        """Asterisk says that prompt and listens."""
        self.event("Newexten", since=since, Uniqueid=uniqueid, Application="Gosub", AppData=f"pbxd-words,{prompt},1")

    def logged(self, uniqueid):
        lines = [line.split("|") for line in self.queue_log(0)]
        return [line[5:] for line in lines if line[1] == uniqueid and line[4] == "PBXCALLBACK"]


class Codes:
    """An agent's phone that dials codes."""

    @classmethod
    def start_phone(cls):
        cls.phone = Softphone("127.0.0.1", cls.lab.state["sip_port"], account=("viatalk-102", cls.lab.secret("sip")))
        cls.addClassCleanup(cls.phone.close)

    def members(self, agent=102):
        with self.lab.ami(events="off") as ami:
            return {m.get("Queue").removeprefix("viatalk-"): (m.get("Paused") == "1", m.get("PausedReason") or "")
                    for m in ami.list("QueueStatus") if m.get("Event") == "QueueMember" and m.get("Location") == f"PJSIP/viatalk-{agent}"}

    def dial(self, code):
        """What pbxd said."""
        mark = self.ami.mark()
        call = self.phone.call(code, "viatalk-102")
        told = self.ami.wait(lambda m: m.get("Event") == "VarSet" and m.get("Variable") == "PBX_AGENT" and m.get("Value"), 10, mark)
        call.hangup()
        self.assertIsNotNone(told, f"{code} was not answered ({call.state} {call.status})")
        self.event("Hangup", since=mark, Uniqueid=told.get("Uniqueid"))       # it is told twice
        return told.get("Value")
