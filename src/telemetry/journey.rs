//! The steps of a message's way, as spans: `writer.wait`, `writer.commit`, `fan_out`, and `store.read`, `store.write`
//! beside them. They stand under a target of their own, which is switched off unless traces are exported: then nothing
//! is allocated or counted for them.

use tracing::{Span, info_span};

/// The target of the spans that only a trace shows.
pub(super) const TARGET: &str = "pneumatic::journey";

/// Where one message is on its way: at most one step is open at a time, and dropping this ends it.
#[derive(Debug, Default)]
pub struct Journey(Option<Box<Steps>>);

#[derive(Debug)]
struct Steps {
    open: Span,
    /// The request or frame that brought the message. It may have been answered by now.
    parent: Span,
}

impl Journey {
    /// Begins below the current span, with the wait for the writer.
    pub fn begin() -> Self {
        let open = info_span!(target: TARGET, "writer.wait");
        Self((!open.is_disabled()).then(|| Box::new(Steps { open, parent: Span::current() })))
    }

    /// Its transaction begins, in which `batch` posts are.
    pub fn commit(&mut self, batch: usize) {
        if let Some(steps) = &mut self.0 {
            // The wait ends before the transaction begins.
            steps.open = Span::none();
            steps.open = info_span!(target: TARGET, parent: &steps.parent, "writer.commit", batch);
        }
    }

    /// Its transaction has ended.
    pub fn committed(&mut self) {
        if let Some(steps) = &mut self.0 {
            steps.open = Span::none();
        }
    }

    /// It is published.
    pub fn fan_out(&mut self) {
        if let Some(steps) = &mut self.0 {
            steps.open = info_span!(target: TARGET, parent: &steps.parent, "fan_out");
        }
    }
}

/// One text frame of so many bytes, with which a trace of its own begins.
pub fn frame(bytes: usize) -> Span {
    info_span!(target: TARGET, parent: None, "frame", otel.kind = "server", bytes)
}

/// A read that begins for `parent`. Without a trace, or on nobody's behalf, it is the parent itself.
pub fn read(parent: Span) -> Span {
    step(parent, |parent| info_span!(target: TARGET, parent: parent, "store.read"))
}

/// A transaction that begins for `parent`. Without a trace, or on nobody's behalf, it is the parent itself.
pub fn write(parent: Span) -> Span {
    step(parent, |parent| info_span!(target: TARGET, parent: parent, "store.write"))
}

fn step(parent: Span, begin: impl FnOnce(&Span) -> Span) -> Span {
    if parent.is_disabled() {
        return parent;
    }
    let step = begin(&parent);
    if step.is_disabled() { parent } else { step }
}
