"""What the command line can't be told: strings that JSON can only escape, logins to throw away, and what was sent."""

import atexit
import base64
import collections
import copy
import itertools
import json
import os
import random
import threading
import uuid

import requests
import schemathesis

HERE = os.path.dirname(os.path.abspath(__file__))
SITE = os.environ["CONTRACT_URL"]
PASSWORD = "correct horse"
LONG = ["x" * 10_001, "é" * 256, "😀" * 10_000, "\u202e" * 151, " " * 5_000]
# Half of a surrogate pair alone: JSON can write it, UTF-8 can't, and the checks here can't think it. A character of
# private use stands for it until it goes out.
STAND_IN, HALF = "\ue000", "\\ud800"
HALVES = [STAND_IN, "a" + STAND_IN + "b", STAND_IN * 2]


@schemathesis.serializer("application/json")
def to_json(context, value):
    if isinstance(value, bytes):
        return value
    return json.dumps(value, default=str).replace("\\ue000", HALF).encode()


def dictionary(name):
    with open(os.path.join(HERE, name + ".dict"), encoding="utf-8") as file:
        return {line.strip().strip('"') for line in file if line.strip()}


ID_FIELDS = ['"id":', '"user_id":', '"conversation_id":', '"member_ids":', '"user_ids":']
IDS = sorted(dictionary("ids"))
KNOWN = set(IDS)
# Of its own: Hypothesis winds back the common one before each case.
chance = random.Random(int(os.environ["CONTRACT_SEED"]))
sent = collections.Counter()
answers = collections.defaultdict(collections.Counter)
lock = threading.Lock()


def leaves(value, path=()):
    """Where the strings of a body are."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, path + (key,))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from leaves(inner, path + (i,))
    elif isinstance(value, str):
        yield path


def replaced(body, path, text):
    """The body with another string at one place."""
    body = copy.deepcopy(body)
    *way, last = path
    holder = body
    for step in way:
        holder = holder[step]
    holder[last] = text
    return body


class Gone:
    """Somebody who has just signed up, for what ends logins or changes accounts; another one when that has happened."""

    token = None

    def get(self):
        if self.token is None:
            name = {"username": f"gone-{uuid.uuid4()}", "password": PASSWORD}
            requests.post(SITE + "/auth/signup", json=name).raise_for_status()
            answer = requests.post(SITE + "/auth/login", json=name)
            answer.raise_for_status()
            self.token = answer.json()["access_token"]
            KNOWN.add(self.login())
        return self.token

    def login(self):
        """The id of the login, as the token tells it."""
        claims = self.get().split(".")[1]
        return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sid"]


gone = Gone()


def changes_account(case):
    return case.operation.path.startswith("/auth/") and case.method.upper() != "GET"


def was_good(case):
    """Whether this operation has ever done what it is for."""
    return any(status < 300 for status in answers[case.operation.label])


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes the case worse, and keeps the login.

    Some ids become ones that exist. Every other message gets a name of its own, or nearly all would be repeats. One
    string of every fourth body becomes what Hypothesis never makes. Whatever changes an account does so to one that
    nobody needs any more. Of the rest an admin asks some.
    """
    with lock:
        known = chance.random() < 0.3 and chance.choice(IDS)
        fresh, worse, admin = chance.random() < 0.5, chance.random() < 0.25, chance.random() < 0.3
        pick, text = chance.random(), chance.choice(LONG + HALVES)
    if known and "{id}" in case.operation.path and case.method == case.operation.method.upper():
        case.path_parameters = {**(case.path_parameters or {}), "id": known}
    if fresh and isinstance(case.body, dict) and isinstance(case.body.get("message_id"), str):
        case.body = {**case.body, "message_id": str(uuid.uuid4())}
    paths = [path for path in itertools.islice(leaves(case.body), 20) if path]
    if worse and paths:
        case.body = replaced(case.body, paths[int(pick * len(paths))], text)
    if case.headers.get("Authorization") == "Bearer " + os.environ["CONTRACT_TOKEN"]:
        if changes_account(case):
            case.headers["Authorization"] = "Bearer " + gone.get()
            if known and case.operation.path == "/auth/sessions/{id}":
                case.path_parameters = {"id": gone.login()}
        # What takes nothing is asked so seldom that chance may never send an admin.
        elif admin or (case.operation.path in ("/metrics/", "/metrics/reset") and not was_good(case)):
            case.headers["Authorization"] = "Bearer " + os.environ["CONTRACT_ADMIN"]


@schemathesis.hook
def after_call(context, case, response):
    # Neither another name nor a guest is a reason to sign up anew, which costs two hashes.
    if changes_account(case) and case.operation.path not in ("/auth/me", "/auth/guest") and response.status_code < 300:
        gone.token = None
    text = json.dumps([case.path_parameters and dict(case.path_parameters), case.body], default=str)
    takes_ids = case.method == case.operation.method.upper() and any(name in text for name in ID_FIELDS)
    with lock:
        sent["all"] += 1
        sent["taking ids"] += takes_ids
        sent["with real ids"] += takes_ids and any(id in text for id in KNOWN)
        sent["with half a pair"] += "\\ue000" in text
        sent["too long"] += len(text) > 200_000 or any(json.dumps(long) in text for long in LONG)
        answers[case.operation.label][response.status_code] += 1


@atexit.register
def write_down():
    with open(os.path.join(HERE, "sent.json"), "w", encoding="utf-8") as file:
        json.dump({"sent": sent, "answers": answers}, file)
