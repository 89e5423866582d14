"""What a client of `pneumatic.v2` knows, and so which frames are new to it ("Staying exact" in API.md)."""


class Knowledge:
    def __init__(self):
        self.epoch = None
        self.cursors = {}  # Up to which `rev` everything is known, by conversation.
        self.kept = None  # What came live since a `resume` was called for. What called for it will come in the answer.
        self.is_behind = False  # Whether a `resume` has to be sent now.

    def resume(self):
        self.is_behind = False
        return {"type": "resume", "epoch": self.epoch, "cursors": self.cursors}

    def take(self, frame):
        """The frames that can be applied now, in order."""
        about = frame.get("message") or frame.get("conversation") or frame
        conversation, rev = about.get("conversation_id", about.get("id")), about.get("rev", 0)
        next_rev = self.cursors.get(conversation, 0) + 1
        if frame["type"] == "resumed":
            kept, self.kept = self.kept, None
            self.epoch, self.cursors = frame["epoch"], frame["heads"]
            return [frame] + [new for late in kept for new in self.take(late)]
        elif frame.get("resumed") or frame["type"] == "reset":
            return [frame]
        elif frame["type"] == "ready" or (self.kept is None and rev > next_rev):
            self.kept, self.is_behind = [], True
        elif self.kept is not None:
            self.kept.append(frame)
        elif rev == next_rev:
            self.cursors[conversation] = rev
            return [frame]
        return []
