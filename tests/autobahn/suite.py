# Runs Autobahn's fuzzing client: suite.py PACKAGES URL FOLDER BOUND whole|cut. For CPython 2.7, as the suite is.
# `whole` is every case but compression as it stands, `cut` those again whose message is over the server's bound, with the
# message cut to it. The report goes to FOLDER, and over.json there names those.
import json
import site
import sys

packages, url, folder, bound, extent = sys.argv[1:]
bound = int(bound)
site.addsitedir(packages)

from autobahntestsuite import wstest  # noqa: E402  It chooses the reactor.
from autobahntestsuite.case import Cases  # noqa: E402
from autobahntestsuite.case.case import Case  # noqa: E402

as_written = Case.__init__


def cut(self, protocol):
    as_written(self, protocol)
    if getattr(self, "DATALEN", 0) > bound:
        self.DATALEN = bound
        self.PAYLOAD = self.PAYLOAD[:bound]


class Nobody(object):
    """Stands in for the connection, so that a case tells what it would send."""


def name(case):
    return case.__name__[len("Case"):].replace("_", ".")


cases = [case for case in Cases if name(case).split(".")[0] not in ("12", "13")]
over = [name(case) for case in cases if getattr(case(Nobody()), "DATALEN", 0) > bound]
if extent == "cut":
    Case.__init__ = cut
    cases = [case for case in cases if name(case) in over]
with open(folder + "/over.json", "w") as file:
    json.dump(over, file)
spec = {
    "outdir": folder,
    "servers": [{"agent": "Pneumatic", "url": url}],
    "cases": [name(case) for case in cases],
    "exclude-cases": [],
    "exclude-agent-cases": {},
}
wstest.start({"mode": "fuzzingclient"}, spec)
