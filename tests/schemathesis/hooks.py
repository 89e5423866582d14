"""What the command line can't be told: strings that JSON can only escape, logins to throw away, and what was sent."""

import atexit
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


def known(name):
    with open(os.path.join(HERE, name + ".dict"), encoding="utf-8") as file:
        return {line.strip().strip('"') for line in file if line.strip()}


ID_FIELDS = ['"id":', '"user_id":', '"conversation_id":', '"member_ids":', '"user_ids":']
KNOWN = known("conversations") | known("people") | known("logins")
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


def throw_away():
    """The access token of somebody who has just signed up."""
    name = {"username": f"gone-{uuid.uuid4()}", "password": PASSWORD}
    requests.post(SITE + "/auth/signup", json=name).raise_for_status()
    answer = requests.post(SITE + "/auth/login", json=name)
    answer.raise_for_status()
    return answer.json()["access_token"]


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes the case worse, and keeps the login.

    Every other message gets a name of its own, or nearly all would be repeats. One string of every fourth body becomes
    what Hypothesis never makes. Whatever changes an account does so to one that nobody needs any more.
    """
    with lock:
        fresh, worse, pick, text = chance.random() < 0.5, chance.random() < 0.25, chance.random(), chance.choice(LONG + HALVES)
    if fresh and isinstance(case.body, dict) and isinstance(case.body.get("message_id"), str):
        case.body = {**case.body, "message_id": str(uuid.uuid4())}
    paths = [path for path in itertools.islice(leaves(case.body), 20) if path]
    if worse and paths:
        case.body = replaced(case.body, paths[int(pick * len(paths))], text)
    if case.operation.path.startswith("/auth/") and case.method.upper() != "GET":
        if case.headers.get("Authorization") == "Bearer " + os.environ["CONTRACT_TOKEN"]:
            case.headers["Authorization"] = "Bearer " + throw_away()


@schemathesis.hook
def after_call(context, case, response):
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
