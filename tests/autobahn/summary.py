# Tells what Autobahn found: summary.py WHOLE CUT BOUND, the two reports' folders (see suite.py). Fails where the server did.
from __future__ import print_function

import json
import sys

TOO_BIG = 1009
whole, cut, bound = sys.argv[1:]


def read(folder):
    with open(folder + "/index.json") as file:
        return json.load(file)["Pneumatic"]


def told(folder, cases):
    """A line for each case, with the suite's reasons."""
    for case in sorted(cases, key=lambda name: [int(part) for part in name.split(".")]):
        with open("%s/%s" % (folder, cases[case]["reportfile"])) as file:
            report = json.load(file)
        close = "closed with %s" % report["remoteCloseCode"]
        print("  %s: %s; %s, %s" % (case, report["result"], close, report["resultClose"]))


def pick(cases, field, *verdicts):
    return {name: case for name, case in cases.items() if case[field] in verdicts}


def failures(cases):
    bad = {name: case for name, case in cases.items() if case["behavior"] not in ("OK", "NON-STRICT", "INFORMATIONAL")}
    bad.update({name: case for name, case in cases.items() if case["behaviorClose"] in ("FAILED", "UNCLEAN", "WRONG CODE")})
    return bad


def show(title, folder, cases):
    bad, loose = failures(cases), pick(cases, "behavior", "NON-STRICT")
    counts = len(pick(cases, "behavior", "OK")), len(loose), len(pick(cases, "behavior", "INFORMATIONAL"))
    wrong = len(pick(cases, "behaviorClose", "WRONG CODE"))
    print("%s: %d cases: %d ok, %d non-strict, %d informational, %d failed, of these %d for a wrong close code"
          % ((title, len(cases)) + counts + (len(bad), wrong)))
    told(folder, loose)
    told(folder, bad)
    last = pick(cases, "behaviorClose", "FAILED BY CLIENT")
    if last:
        print("  in %d of these the server closed rightly and left it to the client to end the connection" % len(last))
    return bad


all_cases = read(whole)
with open(whole + "/over.json") as file:
    over = {name: all_cases[name] for name in json.load(file) if all_cases[name]["behavior"] != "INFORMATIONAL"}
within = {name: case for name, case in all_cases.items() if name not in over}
bad = show("As they stand", whole, within)
refused = {name: case for name, case in over.items() if case["remoteCloseCode"] == TOO_BIG}
echoed = {name: case for name, case in over.items() if name not in refused}
print("Over the server's bound of %s bytes a message: %d cases, of which %d were refused with %d, as documented"
      % (bound, len(over), len(refused), TOO_BIG))
told(whole, echoed)
cut_bad = show("The same, their messages cut to the bound", cut, read(cut))
print("""An echo stands for the server's answer to that one message: it says that the server took it, whole, once, in its turn and as
text or binary. Pongs, closes and ends are the server's own. What isn't judged here is whether a message's bytes arrive as they
were sent (tests/it/conformance does that), nor how fast anything is.""")
sys.exit(1 if bad or echoed or cut_bad else 0)
