//! What a room does about each thing that it is told.

use super::*;

impl Handler<Publish> for Room {
    type Result = ();

    fn handle(&mut self, Publish(events): Publish, ctx: &mut Self::Context) {
        let mut passed = Vec::with_capacity(events.len());
        for published in events {
            let known = self.gate.offer(published.event.rev, published, &mut passed);
            // It was read from the database before it was published: everybody has heard it, but its sender isn't answered.
            if let Some(known) = known {
                self.answer(&known);
            }
        }
        self.deliver(passed);
        if self.gate.has_hole() {
            self.look_later(ctx);
        }
    }
}

impl Handler<Join> for Room {
    type Result = ();

    fn handle(&mut self, join: Join, ctx: &mut Self::Context) {
        let Join { device, user_id, dialect, hub, since, names } = join;
        self.speaking.add(dialect);
        if let Some(names) = names {
            self.names = names;
        }
        let newcomer = Newcomer { device, user_id, dialect, hub };
        let head = self.gate.head();
        if since == head {
            self.attach(&newcomer);
        } else if since > head {
            self.waiting.push((since, newcomer));
            self.look_later(ctx);
        } else {
            self.catching_up.insert(device, CatchingUp::new(newcomer, since, head));
            self.fetch(Reader::Device(device), since, ctx);
        }
    }
}

impl Handler<Leave> for Room {
    type Result = ();

    fn handle(&mut self, Leave { device, dialect, removed }: Leave, _: &mut Self::Context) {
        self.speaking.remove(dialect);
        // It may go before it has been told why.
        let untold = removed.filter(|_| dialect == Dialect::V2);
        if let Some(catching_up) = self.catching_up.remove(&device) {
            untold.iter().for_each(|rev| catching_up.newcomer.push(&v2::removed(self.conversation, *rev)));
            return catching_up.tell_acks();
        }
        if let Some(place) = self.waiting.iter().position(|(_, newcomer)| newcomer.device == device) {
            let (_, newcomer) = self.waiting.swap_remove(place);
            untold.iter().for_each(|rev| newcomer.push(&v2::removed(self.conversation, *rev)));
            return;
        }
        if let Some(i) = self.places.iter().position(|place| place.number == device.hub) {
            self.places[i].hub.do_send(Detach { conversation: self.conversation, device });
            if let Some(rev) = untold.filter(|rev| *rev > self.gate.head()) {
                self.places[i].hub.do_send(Push { device, frames: v2::removed(self.conversation, rev) });
            }
            self.places[i].devices -= 1;
            if self.places[i].devices == 0 {
                self.places.swap_remove(i);
            }
        }
    }
}

impl Handler<Typing> for Room {
    type Result = ();

    fn handle(&mut self, Typing { user_id, is_typing }: Typing, ctx: &mut Self::Context) {
        self.typing.retain(|(user, _)| *user != user_id);
        if is_typing {
            let until = Instant::now() + TYPING;
            self.typing.push((user_id, until));
            ctx.run_later(TYPING, move |room, _| room.expire_typing(until));
        }
        self.tell_typing(user_id, is_typing);
    }
}

impl Handler<Marked> for Room {
    type Result = ();

    fn handle(&mut self, Marked(marks): Marked, _: &mut Self::Context) {
        // When very many read at once, who is behind goes without: a resume tells it.
        let is_crowd = marks.len() > CROWD;
        self.whisper(None, is_crowd, marks.len() as u64, |dialect| {
            (dialect == Dialect::V2).then(|| {
                let mut frames = BytesMut::new();
                marks.iter().for_each(|mark| v2::append_read(&mut frames, mark, false));
                frames.freeze()
            })
        });
    }
}

impl Handler<Announce> for Room {
    type Result = ();

    fn handle(&mut self, Announce(people): Announce, _: &mut Self::Context) {
        if !self.speaking.has(Dialect::V2) {
            return;
        }
        let frame = v2::presence(None, &people);
        let people: Arc<[Presence]> = people.into();
        self.newcomers().filter(|newcomer| newcomer.dialect == Dialect::V2).for_each(|newcomer| newcomer.push(&frame));
        for place in &self.places {
            let (people, frame) = (Arc::clone(&people), frame.clone());
            place.hub.do_send(Tidings { conversation: self.conversation, people, frame });
        }
    }
}

impl Handler<Rename> for Room {
    type Result = ();

    fn handle(&mut self, Rename(names): Rename, _: &mut Self::Context) {
        self.names = names;
    }
}

impl Handler<Suspect> for Room {
    type Result = ();

    fn handle(&mut self, _: Suspect, ctx: &mut Self::Context) {
        self.look(ctx);
    }
}

impl Handler<StandsAt> for Room {
    type Result = ();

    fn handle(&mut self, StandsAt(head): StandsAt, ctx: &mut Self::Context) {
        if head > self.gate.head() {
            ctx.run_later(HOLE_PATIENCE, move |room, ctx| {
                if head > room.gate.head() {
                    room.look(ctx);
                }
            });
        }
    }
}

impl Handler<Retire> for Room {
    type Result = ();

    fn handle(&mut self, _: Retire, ctx: &mut Self::Context) {
        self.retired = true;
        self.gate.held().for_each(|published| published.answer(|sender| self.is_delivered(sender)));
        self.catching_up.values().for_each(CatchingUp::tell_acks);
        ctx.stop();
    }
}

impl Handler<Fetched> for Room {
    type Result = ();

    fn handle(&mut self, Fetched { reader, after, changes }: Fetched, ctx: &mut Self::Context) {
        // A device that has left and come back asks anew.
        if let Reader::Device(device) = reader
            && self.catching_up.get(&device).is_none_or(|waiting| waiting.told != after)
        {
            return;
        }
        match (reader, changes) {
            (Reader::Room, Some(changes)) => self.fill(changes, ctx),
            (Reader::Room, None) => {
                ctx.run_later(FETCH_AGAIN, |room, ctx| room.fetch(Reader::Room, room.gate.head(), ctx));
            }
            (Reader::Device(device), Some(changes)) => self.tell(device, changes, ctx),
            (Reader::Device(device), None) => {
                ctx.run_later(FETCH_AGAIN, move |room, ctx| {
                    if let Some(waiting) = room.catching_up.get(&device) {
                        room.fetch(reader, waiting.told, ctx);
                    }
                });
            }
        }
    }
}
