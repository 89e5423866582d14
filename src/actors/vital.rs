//! Actors without which the process is of no use. One that breaks can't be put together again from outside: what
//! it held is gone. The process ends instead, and is started anew; nothing acknowledged is lost by that.

use tokio::sync::mpsc;

/// Held by such an actor; tells when the actor is torn down by a panic.
#[derive(Clone, Debug)]
pub struct Vital {
    name: &'static str,
    broken: mpsc::UnboundedSender<&'static str>,
}

/// Hears of the first one that breaks.
pub type Broken = mpsc::UnboundedReceiver<&'static str>;

impl Vital {
    /// A sign for each of the actors, and where to hear of them.
    pub fn signs() -> (impl Fn(&'static str) -> Self + Clone + Send, Broken) {
        let (broken, hear) = mpsc::unbounded_channel();
        (move |name| Self { name, broken: broken.clone() }, hear)
    }
}

impl Drop for Vital {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Nobody hears it any more when the process is ending already.
            let _ = self.broken.send(self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_panic_is_told() {
        let (sign, mut hear) = Vital::signs();
        drop(sign("calm"));
        let vital = sign("broken");
        let panicked = std::thread::spawn(move || {
            let _held = vital;
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        assert_eq!(hear.try_recv(), Ok("broken"));
        assert!(hear.try_recv().is_err());
    }
}
