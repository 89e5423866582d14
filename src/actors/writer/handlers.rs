//! What the writer does about each thing that it is told.

use super::*;

impl Handler<Post> for DbWriter {
    type Result = ();

    fn handle(&mut self, post: Post, ctx: &mut Self::Context) {
        let key = lane_key(post.draft.post.conversation_id.0);
        self.enqueue(key, Work::Post(post), ctx);
    }
}

impl Handler<Write> for DbWriter {
    type Result = ();

    fn handle(&mut self, Write { lane, job }: Write, ctx: &mut Self::Context) {
        self.enqueue(lane, Work::Job(job), ctx);
    }
}

impl Handler<Read> for DbWriter {
    type Result = ();

    fn handle(&mut self, Read(job): Read, _: &mut Self::Context) {
        let work = job(Arc::clone(&self.store));
        actix::spawn(async { (work.await.answer)() });
    }
}

impl Handler<Fetch> for DbWriter {
    type Result = ();

    fn handle(&mut self, fetch: Fetch, _: &mut Self::Context) {
        let (store, fetches) = (Arc::clone(&self.store), Arc::clone(&self.fetches));
        actix::spawn(async move {
            // An error means closed, which nobody does.
            let _turn = fetches.acquire().await;
            let changes = store.changes(fetch.conversation_id, fetch.after, FETCH_PAGE).await;
            let changes = changes.inspect_err(|error| tracing::warn!(%error, "writer.fetch_failed")).ok();
            fetch.answer.do_send(Fetched { reader: fetch.reader, after: fetch.after, changes });
        });
    }
}

impl Handler<Mark> for DbWriter {
    type Result = ();

    fn handle(&mut self, mark: Mark, ctx: &mut Self::Context) {
        let number = self.lane(lane_key(mark.mark.conversation_id.0));
        if let Some(pause) = self.marking[number].add(mark, Instant::now()) {
            ctx.notify_later(StoreMarks(number), pause);
        }
    }
}

impl Handler<StoreMarks> for DbWriter {
    type Result = ();

    fn handle(&mut self, StoreMarks(number): StoreMarks, ctx: &mut Self::Context) {
        let job = self.marking[number].take(Instant::now());
        self.enqueue(number as u64, Work::Job(job), ctx);
    }
}

impl Handler<WereSeen> for DbWriter {
    type Result = ();

    fn handle(&mut self, WereSeen(people): WereSeen, ctx: &mut Self::Context) {
        self.seen.extend(people.into_iter().map(|seen| (seen.user_id, seen.at)));
        self.note_seen(ctx);
    }
}

impl Handler<CheckLogins> for DbWriter {
    type Result = ();

    fn handle(&mut self, CheckLogins { logins, answer }: CheckLogins, _: &mut Self::Context) {
        let store = Arc::clone(&self.store);
        actix::spawn(async move {
            let ends = in_time(store.login_ends(&logins)).await;
            let ends = ends.inspect_err(|error| tracing::warn!(%error, "writer.check_failed")).ok();
            answer.do_send(LoginEnds { asked: logins, ends });
        });
    }
}

impl Handler<Locate> for DbWriter {
    type Result = ();

    fn handle(&mut self, Locate { people, answer }: Locate, _: &mut Self::Context) {
        let (store, fetches) = (Arc::clone(&self.store), Arc::clone(&self.fetches));
        actix::spawn(async move {
            // An error means closed, which nobody does.
            let _turn = fetches.acquire().await;
            for _ in 0..LOCATE_TRIES {
                match in_time(store.whereabouts(&people)).await {
                    Ok(places) => return answer.do_send(Located(places)),
                    Err(error) => tracing::warn!(%error, "writer.locate_failed"),
                }
                tokio::time::sleep(LOCATE_AGAIN).await;
            }
        });
    }
}

impl Handler<Looked> for DbWriter {
    type Result = ();

    fn handle(&mut self, looked: Looked, _: &mut Self::Context) {
        let logins = self.watch.found(looked);
        self.teller.end_logins(logins);
    }
}

impl Handler<Compare> for DbWriter {
    type Result = ();

    fn handle(&mut self, Compare { thoroughly }: Compare, ctx: &mut Self::Context) {
        self.compare(thoroughly, ctx);
    }
}

impl Handler<Compared> for DbWriter {
    type Result = ();

    fn handle(&mut self, compared: Compared, ctx: &mut Self::Context) {
        if let Some(thoroughly) = self.comparing.end(compared) {
            ctx.notify_later(Compare { thoroughly }, COMPARE_AGAIN);
        }
    }
}

impl Handler<Confirm> for DbWriter {
    type Result = ();

    fn handle(&mut self, confirm: Confirm, ctx: &mut Self::Context) {
        self.confirming.add(confirm);
        self.confirm(ctx);
    }
}

impl Handler<Confirmed> for DbWriter {
    type Result = ();

    fn handle(&mut self, _: Confirmed, ctx: &mut Self::Context) {
        self.confirming.end();
        self.confirm(ctx);
    }
}

impl Handler<Start> for DbWriter {
    type Result = ();

    fn handle(&mut self, Start(lane): Start, ctx: &mut Self::Context) {
        self.start_next(lane, ctx);
    }
}

impl Handler<Finished> for DbWriter {
    type Result = ();

    fn handle(&mut self, Finished { lane, done }: Finished, ctx: &mut Self::Context) {
        match done {
            Done::Posts(pending, committed) => {
                let (batch, pushed) = Batch::new();
                self.settle(pending, committed, &batch);
                return gather(lane, ctx.address(), pushed);
            }
            Done::Job(Finish { aftermath, answer }) => {
                self.teller.tell(aftermath);
                answer();
            }
            Done::Panicked(conversations) => {
                tracing::error!(lane, "writer.work_panicked");
                conversations.into_iter().for_each(|conversation| self.teller.doubt(conversation));
            }
        }
        self.start_next(lane, ctx);
    }
}
